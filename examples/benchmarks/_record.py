"""Write the figures of a benchmark as JSON, with the command, the machine and the versions."""

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("tensorflow", "keras", "scikit-learn", "numpy")
#: Options whose value is a place on this machine.
PLACES = {"--data": "FOLDER", "--course": "FOLDER", "--model": "FILE", "--plot": "FILE"}

_START = time.perf_counter()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `write` needs."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="file for the figures, as JSON")
    parser.add_argument(
        "--shared",
        action="store_true",
        help="note in the file that other programs run on this machine: times mean little",
    )


def write(
    args: argparse.Namespace,
    tables: Mapping[str, list[dict[str, Any]]],
    *,
    seeds: Iterable[int] = (),
    packages: Iterable[str] = (),
) -> None:
    """Write tables, each a list of rows, to the file of ``--json``, if there is one."""
    if args.json is None:
        return
    script = Path(sys.argv[0]).resolve()
    record = {
        "benchmark": script.stem,
        "command": command(script, sys.argv[1:]),
        "measured": {
            "date": datetime.now(UTC).date().isoformat(),
            **commit(),
            "machine": machine(),
            "versions": versions((*PACKAGES, *packages)),
            "seeds": list(seeds),
            "shared": args.shared,
            "seconds": rounded(time.perf_counter() - _START),
            "processor_seconds": rounded(sum(os.times()[:4])),
        },
        "tables": {
            name: {
                "columns": list(rows[0]),
                "rows": [[rounded(value) for value in row.values()] for row in rows],
            }
            for name, rows in tables.items()
            if rows
        },
    }
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(layout(record), encoding="utf-8")


def layout(record: dict[str, Any]) -> str:
    """Return JSON with a line for each row of a table."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    rows = re.compile(r"\[\n([^\[\]{}]*)\n *\]")
    return rows.sub(lambda row: "[" + re.sub(r"\n *", " ", row[1].strip()) + "]", text) + "\n"


def rounded(value: Any) -> Any:
    """Return a number with six significant digits; other values as they are."""
    if isinstance(value, str) or value is None:
        return value
    number = float(value)
    return int(number) if number.is_integer() else float(f"{number:.6g}")


def command(script: Path, arguments: list[str]) -> str:
    """Return the command without what is of this machine or of the file alone."""
    shown = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--json":
            next(rest)
        elif argument in PLACES:
            shown += [argument, PLACES[argument]]
            next(rest)
        elif argument != "--shared":
            shown.append(argument)
    return f"python {script.relative_to(ROOT)} {shlex.join(shown)}".strip()


def commit() -> dict[str, Any]:
    """Return the commit, and whether tracked files differ from it."""
    head = said("git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD")
    changed = said("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return {"commit": head, "dirty": bool(changed)}


def machine() -> dict[str, Any]:
    """Describe processor, memory and GPU."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in info if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    flags = fields.get("flags", "").split()
    names = {"amx_bf16": "AMX", "avx512_bf16": "AVX512_BF16"}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpus = said("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    return {
        "processor": fields.get("model name", platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory),
        "bfloat16": next((name for flag, name in names.items() if flag in flags), None),
        "vectors": next((f.upper() for f in ("avx512f", "avx2", "avx") if f in flags), None),
        "gpu": gpus.replace("\n", ", ") or None,
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def said(*words: str) -> str:
    """Return what a program prints, or nothing where it does not run."""
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
