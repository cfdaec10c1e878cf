"""The house rules of the package: which way imports run, and how large files and folders are."""

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sk_yt8m

ROOT = Path(sk_yt8m.__file__).parent
TESTS = Path(__file__).parent
MAX_FILES, MAX_LINES = 14, 400

#: The rooms, low to high: a room imports from itself, from the rooms that it names, and from what
#: those may import. "root" is what users import, `__init__` included.
ROOMS: dict[str, set[str]] = {
    "_version": set(),
    "_top_k": set(),
    "_engines": set(),
    "_tensorflow": {"_engines"},
    "_sklearn": set(),
    "_files": set(),
    "_inputs.types": set(),
    "_inputs": {"_inputs.types", "_sklearn"},
    "metrics._inputs": {"_inputs", "_top_k"},
    "metrics._definitions": {"metrics._inputs"},
    "metrics._scoring": {"metrics._definitions"},
    "metrics._displays": {"metrics._scoring"},
    "metrics._report": {"_files", "metrics._displays"},
    "metrics._thresholds": {"metrics._definitions"},
    "metrics": {"metrics._report", "metrics._thresholds"},
    "datasets._schema": set(),
    "datasets._formats": {"_files", "_inputs.types", "datasets._schema"},
    "datasets._store": {"_engines", "_files", "_inputs.types", "datasets._schema"},
    "datasets._convert": {"_sklearn", "datasets._formats", "datasets._store"},
    "datasets": {"datasets._convert"},
    "_network": {"_inputs", "_top_k", "_tensorflow"},
    "_training": {"_files", "_network", "_version", "metrics"},
    "persistence": {"_files", "_network"},
    "_neighbors": {"_tensorflow", "metrics._inputs"},
    "_batch_prediction": {"_top_k", "datasets"},
    "_estimators": {"_training", "persistence"},
    "root": {"_estimators", "_batch_prediction", "_neighbors"},
    "cli": {"root"},
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def room_of(module: str) -> str:
    room = module.removeprefix("sk_yt8m").removeprefix(".")
    while room and room not in ROOMS:
        room = room.rpartition(".")[0]
    return room or "root"


@cache
def allowed(room: str) -> set[str]:
    return {room}.union(*(allowed(lower) for lower in ROOMS[room]))


@cache
def imports_of(module: str) -> dict[str, int]:
    """Return the modules of the package that one imports, anywhere in its text, with the line."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: a relative import"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else str(node.module) for name in whole]
        else:
            continue
        for name in names:
            if name in MODULES and name != module:
                found.setdefault(name, node.lineno)
    return found


def test_the_rules_see_the_package():
    assert len(imports_of("sk_yt8m.classifier")) >= 3
    assert {room_of(module) for module in MODULES} == set(ROOMS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module):
    room = room_of(module)
    up = [
        f"{MODULES[module].relative_to(ROOT)}, line {line}: {room} imports {other}"
        for other, line in imports_of(module).items()
        if room_of(other) not in allowed(room)
    ]
    assert not up, "\n".join(up)


def test_doors():
    """One module imports TensorFlow, and one the private parts of scikit-learn."""
    through = {"tensorflow": [], "private scikit-learn": []}
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", [])]
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name}" for name in names]
            elif not isinstance(node, ast.Import):
                continue
            for name in names:
                package, *parts = name.split(".")
                if package == "tensorflow":
                    through["tensorflow"].append(path.stem)
                elif package == "sklearn" and any(part.startswith("_") for part in parts):
                    through["private scikit-learn"].append(path.stem)
    assert {door: set(found) for door, found in through.items()} == {
        "tensorflow": {"_tensorflow"},
        "private scikit-learn": {"_sklearn"},
    }


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_the_pages_name_files_that_exist(page):
    text = (ROOT.parent / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:sk_yt8m|tests|docs|examples)/[\w./]+)`", text)
    assert len(named) > 3
    assert [name for name in named if not (ROOT.parent / name).exists()] == []


def test_every_promise_names_a_test_that_exists():
    text = (ROOT.parent / "docs/reliability.md").read_text(encoding="utf-8")
    files = [path.as_posix() for path in TESTS.rglob("test_*.py")]
    code = "\n".join(Path(file).read_text(encoding="utf-8") for file in files)
    named = re.findall(r"`(?:tests/)?([\w/]*test_\w+\.py)`", text)
    defined = re.findall(r"`((?:test_|Test)\w+)`", text)
    assert len(named) > 20
    assert len(defined) > 10
    assert [name for name in named if not any(file.endswith(f"/{name}") for file in files)] == []
    assert [name for name in defined if not re.search(rf"(def|class) {name}\b", code)] == []


def test_no_modules_import_each_other():
    """Imports in functions and those for types count."""
    graph = {module: set(imports_of(module)) for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in MODULES.values()}), ids=lambda folder: folder.name
)
def test_no_folder_is_too_full(folder):
    assert len(list(folder.glob("*.py"))) <= MAX_FILES


@pytest.mark.parametrize("module", MODULES)
def test_no_file_is_too_long(module):
    n_lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert n_lines <= MAX_LINES
