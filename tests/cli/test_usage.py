"""Wrong usage exits 2, data and models that are wrong exit 1, and both say so in one line."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from cli_runs import SMALL
from click.testing import CliRunner

import sk_yt8m
from sk_yt8m.cli import main
from sk_yt8m.cli._messages import in_options, option_names
from sk_yt8m.datasets import make_videos, sample_path, write_parquet

TRAIN = ["train", "STORE", "new.safetensors"]
PREDICT = ["predict", "MODEL", "STORE"]
EVALUATE = ["evaluate", "MODEL", "STORE", "--resamples", "0"]
TFRECORDS = ["fetch", "tfrecords", "--to", "data"]

#: Arguments, and what the message names.
USAGE = [
    ([], "--fly"),
    (["train"], "DATA"),
    (["train", "STORE"], "MODEL"),
    # values of options
    ([*TRAIN, "--set", "depth=3"], "depth"),
    ([*TRAIN, "--set", "depth"], "NAME=VALUE"),
    ([*TRAIN, "--set", "=3"], "NAME=VALUE"),
    ([*TRAIN, "--set", "alpha=1", "--set", "alpha=2"], "'alpha' twice"),
    ([*TRAIN, "--set", "alpha=-1"], "alpha must be a float in the range [0.0, inf), got -1"),
    ([*TRAIN, "--set", "alpha=no"], "alpha must be"),
    ([*TRAIN, "--set", "dropout=NaN"], "dropout must be"),
    ([*TRAIN, "--set", "shuffle=False"], "shuffle must be"),
    ([*TRAIN, "--set", "activation=step"], "activation must be"),
    ([*TRAIN, "--set", "hidden_layer_sizes=[0]"], "hidden_layer_sizes must be"),
    ([*TRAIN, "--set", "hidden_layer_sizes=[2.5]"], "hidden_layer_sizes must be"),
    ([*TRAIN, "--set", "hidden_layer_sizes=none"], "hidden_layer_sizes must be"),
    ([*TRAIN, "--set", "hidden_layer_sizes=Auto"], "hidden_layer_sizes must be"),
    ([*TRAIN, "--set", "hidden_layer_sizes=8", "--set", "n_heads=7"], "n_heads must divide"),
    ([*TRAIN, "--set", "random_state=-1"], "random_state must be"),
    ([*TRAIN, "--dropout", "1.5"], "--dropout must be"),
    ([*TRAIN, "--dropout", "nan"], "--dropout must be"),
    ([*TRAIN, "--learning-rate", "0"], "--learning-rate must be"),
    ([*TRAIN, "--seed", "-1"], "--seed must be"),
    ([*TRAIN, "--epochs", "0"], "--epochs"),
    ([*TRAIN, "--batch-size", "x"], "--batch-size"),
    ([*TRAIN, "--precision", "int8"], "--precision"),
    ([*TRAIN, "--n-jobs", "0"], "--n-jobs"),
    ([*PREDICT, "--k", "0"], "--k"),
    ([*PREDICT, "--threshold", "nan"], "--threshold"),
    ([*PREDICT, "--out", "labels.xls"], ".csv or .parquet"),
    ([*EVALUATE, "--resamples", "-1"], "--resamples"),
    (["convert", "CSV", "new", "--dtype", "int8"], "--dtype"),
    (["convert", "CSV", "new", "--n-frames", "0"], "--n-frames"),
    (["info", "CSV", "--n-labels", "0"], "--n-labels"),
    (["info", "STORE", "--top", "-1"], "--top"),
    (["info", "CSV", "--features", "text"], "NAME:WIDTH"),
    (["info", "CSV", "--features", "a:b"], "NAME:WIDTH"),
    (["info", "CSV", "--features", "a:0"], "widths of at least 1"),
    (["info", "CSV", "--features", "a:5,a:6"], "names that differ"),
    (["info", "CSV", "--features", ":5"], "names that differ"),
    ([*TFRECORDS, "--n-jobs", "0"], "--n-jobs"),
    ([*TFRECORDS, "--shard", "5/3"], "expected I/N with 0 <= I < N"),
    ([*TFRECORDS, "--shard=-1/3"], "expected I/N with 0 <= I < N"),
    ([*TFRECORDS, "--mirror", "here"], "--mirror must be"),
    (["fetch", "course", "--split", "dev"], "--split"),
    (["fetch", "fly"], "fly"),
    # combinations
    ([*TRAIN, "--dropout", ".1", "--set", "dropout=.2"], "--dropout and --set dropout"),
    ([*TRAIN, "--epochs", "1", "--set", "max_iter=2"], "--epochs and --set max_iter"),
    ([*TFRECORDS, "--version", "3"], '--version "3"'),
    (["convert", "CSV", "new", "--level", "frame"], "--level is for tfrecord files"),
    (["convert", "CSV", "new", "--n-frames", "3"], "--n-frames is for tfrecord files"),
    (
        ["convert", "CSV", "new", "--missing-labels", "empty"],
        "--missing-labels is for tfrecord and parquet files",
    ),
    (["convert", "RECORDS", "new", "--n-frames", "3"], "--n-frames must be None for records"),
    (["convert", "CSV", "RECORDS", "new"], "one format"),
    (["convert", "CSV", "CSV", "new"], "twice"),
    (["info", "PARQUET", "--level", "frame"], "--level is for tfrecord files"),
    (["info", "UNNUMBERED"], "--n-labels must be given"),
    (["verify", "UNNUMBERED", "--report", "r.csv"], "--n-labels must be given"),
    (["info", "STORE", "--n-labels", "8"], "--n-labels says 8"),
    (["verify", "STORE", "--features", "a:3"], "--features says 3"),
    ([*TRAIN, "--n-labels", "8"], "--n-labels says 8"),
    (["info", "MODEL", "--top", "3"], "--top is for data"),
    (["verify", "MODEL", "--n-labels", "8"], "--n-labels is for data"),
    ([*EVALUATE, "--csv", "a.csv", "--labels", "a.csv"], "a.csv cannot be written"),
    # splits
    ([*TRAIN, "--split", "dev"], "--split must be one of"),
    ([*TRAIN, "--validation-split", "dev"], "--validation-split must be one of"),
    ([*PREDICT, "--split", "dev"], "--split must be one of"),
    ([*EVALUATE, "--split", "dev"], "--split must be one of"),
    (["predict", "MODEL", "CSV", "--n-jobs", "1", "--split", "dev"], "--split must be one of"),
    (["convert", "CSV", "new", "--split", "dev"], "--split"),
    (["convert", "RECORDS", "new", "--split", "test"], "--split"),
    # inputs that are not there, or no such thing
    *(
        (command, "nothing")
        for command in (
            ["info", "nothing"],
            ["info", "nothing.safetensors"],
            ["verify", "nothing.csv"],
            ["verify", "nothing*.csv"],
            ["convert", "nothing", "new"],
            ["convert", "CSV", "nothing.csv", "new"],
            ["train", "nothing", "new.safetensors"],
            [*TRAIN, "--validation", "nothing"],
            ["evaluate", "nothing", "STORE"],
            ["evaluate", "MODEL", "nothing"],
            ["predict", "nothing", "STORE"],
            ["predict", "MODEL", "nothing"],
            [*PREDICT, "--vocabulary", "nothing"],
            [*EVALUATE, "--vocabulary", "nothing"],
            ["info", "STORE", "--vocabulary", "nothing"],
        )
    ),
    *(
        (command, "text.txt")
        for command in (
            ["info", "text.txt"],
            ["verify", "text.txt"],
            ["convert", "text.txt", "new"],
            ["convert", "CSV", "text.txt"],
            ["train", "text.txt", "new.safetensors"],
            ["evaluate", "MODEL", "text.txt"],
            ["predict", "MODEL", "text.txt"],
            [*TRAIN, "--checkpoint-dir", "text.txt"],
            ["fetch", "vocabulary", "--to", "text.txt"],
        )
    ),
    *(
        (command, "folder")
        for command in (
            ["info", "folder"],
            ["verify", "folder"],
            ["convert", "folder", "new"],
            ["train", "folder", "new.safetensors"],
            ["train", "STORE", "folder", "--overwrite"],
            ["evaluate", "folder", "STORE"],
            ["evaluate", "MODEL", "folder"],
            ["predict", "folder", "STORE"],
            [*PREDICT, "--out", "folder.csv", "--overwrite"],
            [*PREDICT, "--vocabulary", "folder"],
            [*EVALUATE, "--csv", "folder", "--overwrite"],
            [*EVALUATE, "--labels", "folder", "--overwrite"],
            ["verify", "STORE", "--report", "folder", "--overwrite"],
        )
    ),
]

FAILURES = [
    (["info", "STORE", "--vocabulary", "SHORT"], "names of 3862 labels"),
    ([*PREDICT, "--vocabulary", "SHORT"], "names of 3862 labels"),
    ([*EVALUATE, "--vocabulary", "SHORT"], "names of 3862 labels"),
    ([*EVALUATE, "--vocabulary", "text.txt"], "text.txt: expected the columns"),
    (["evaluate", "MODEL", "OTHER"], "8 labels, but"),
    (["predict", "MODEL", "OTHER"], "10 features"),
    (["train", "BROKEN", "new.safetensors"], "BROKEN"),
    (["info", "BROKEN"], "BROKEN"),
    (["verify", "BROKEN"], "BROKEN"),
    (["info", "WITHOUT"], "expected a manifest"),
    (["verify", "WITHOUT"], "expected a manifest"),
    (["info", "DAMAGED"], "DAMAGED"),
    (["verify", "DAMAGED"], "DAMAGED"),
    (["evaluate", "DAMAGED", "STORE"], "DAMAGED"),
    (["predict", "text.txt", "STORE"], "not a model file"),
    (["convert", "SHORT", "new", "--n-jobs", "1"], "short.csv, line 1"),
    (["convert", "CSV", "STORE"], "--overwrite"),
    (["convert", "CSV", "folder", "--overwrite"], "--overwrite"),
    (["train", "STORE", "MODEL"], "--overwrite"),
    ([*PREDICT, "--out", "SHORT"], "--overwrite"),
    ([*EVALUATE, "--csv", "SHORT"], "--overwrite"),
    ([*EVALUATE, "--labels", "SHORT"], "--overwrite"),
    (["verify", "STORE", "--report", "SHORT"], "--overwrite"),
]


@pytest.fixture
def places(videos, store, model, tmp_path, monkeypatch):
    """Go to a folder with what is wrong, and return what the words in capitals stand for."""
    monkeypatch.chdir(tmp_path)
    X, Y = make_videos(20, n_features=10, n_labels=8, random_state=0, return_X_y=True)
    write_parquet("other.parquet", X, Y)
    vocabulary = (sample_path() / "vocabulary.csv").read_text().splitlines(keepends=True)
    rows = [line for line in vocabulary[1:] if int(line.split(",")[0]) < 5]
    Path("short.csv").write_text("".join([vocabulary[0], *rows]))
    Path("text.txt").write_text("some text\n")
    Path("folder").mkdir()
    Path("folder.csv").mkdir()
    for name, manifest in (("BROKEN", "{}"), ("WITHOUT", None)):
        Path(name).mkdir()
        np.save(f"{name}/features.npy", X)
        if manifest is not None:
            Path(name, "manifest.json").write_text(manifest)
    Path("DAMAGED.safetensors").write_bytes(Path(model).read_bytes()[:-5])
    _without_n_labels("unnumbered.parquet", X)
    return {
        "STORE": store, "MODEL": model, "CSV": videos / "csv",
        "RECORDS": videos / "train0000.tfrecord", "PARQUET": videos / "videos.parquet",
        "OTHER": "other.parquet", "SHORT": "short.csv", "DAMAGED": "DAMAGED.safetensors",
        "UNNUMBERED": "unnumbered.parquet",
    }  # fmt: skip


def _without_n_labels(path: str, X: np.ndarray) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"features": list(X), "labels": [[0]] * len(X)}
    pq.write_table(pa.table(columns), path)


def _check(arguments, places, code, message):
    before = _files()
    given = [str(places.get(argument, argument)) for argument in arguments] or ["--fly"]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == code, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert not re.search(r"\b[a-z_]+=(True|False|None)\b|Traceback", result.stderr)
    assert _files() == before


def _files() -> list[Path]:
    """Return what is here, but for what the conversion that failed has read."""
    return sorted(path for path in Path().rglob("*") if path.parts[0] != ".new.partial")


def _name(case) -> str:
    return " ".join(case) if isinstance(case, list) else ""


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=_name)
def test_wrong_usage(arguments, message, places):
    _check(arguments, places, 2, message)


@pytest.mark.parametrize(("arguments", "message"), FAILURES, ids=_name)
def test_wrong_data(arguments, message, places):
    _check(arguments, places, 1, message)


def test_a_command_alone_shows_the_help():
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert "Commands:" in result.output


def test_good_options_of_a_store_are_no_contradiction(places, tmp_path):
    given = ["info", str(places["STORE"]), "--n-labels", "3862", "--features", "a:1024,b:128"]
    assert CliRunner().invoke(main, given).exit_code == 0
    given = ["train", str(places["STORE"]), "m.safetensors", "--n-labels", "3862", *SMALL]
    assert CliRunner().invoke(main, given).exit_code == 0


CONVERT = option_names(main.commands["convert"])


@pytest.mark.parametrize(
    ("command", "said", "shown"),
    [
        ("convert", "s is there already: overwrite=True replaces it", "--overwrite replaces it"),
        ("convert", 'or leave them out with on_error="skip".', "with --skip-damage."),
        ("train", "leave them out with on_error='skip'", "with sk-yt8m convert --skip-damage"),
        ("convert", "n_labels must be given", "--n-labels must be given"),
        ("convert", "a label of 9: pass n_labels=10", "pass --n-labels 10"),
        ("convert", "set n_labels= to it", "set --n-labels to it"),
        ("convert", "for dtype='float16', got 7e9", "for --dtype 'float16', got 7e9"),
        ("train", "lower learning_rate_init (now 3)", "lower --learning-rate (now 3)"),
        ("train", "checkpoint_dir holds another", "--checkpoint-dir holds another"),
        ("fetch", "choose a data_home on another", "choose a --to on another"),
        ("train", "The 'max_iter' parameter of C must be x. Got 0 instead.", "--epochs must be x"),
    ],
)
def test_advice_is_in_options(command, said, shown):
    assert shown in in_options(said, option_names(main.commands[command]))


@pytest.mark.parametrize(
    "message",
    [
        "expected Index from 0 to n_labels - 1 without a gap",
        "X must have shape (n_videos, n_labels), got (3,)",
        "/data/n_labels/train_0.csv, line 3: expected a label",
        "no column 'n_labels' in a.parquet",
        "expected other features of level 3",
        "a=b.csv, line 1: x",
    ],
)
def test_what_is_no_advice_stays(message):
    assert in_options(message, CONVERT) == message


#: Arguments that no command passes on, so that no advice about them can be shown.
NOT_PASSED = {"download_if_missing", "early_stopping", "standardize", "warm_start", "KERAS_BACKEND"}


def _said(path: Path):
    """Yield the messages of all errors and warnings in a file, with X for what is filled in."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        warns = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "warn"
        for part in ast.walk(node) if warns or isinstance(node, ast.Raise) else ():
            if isinstance(part, ast.JoinedStr):
                yield "".join(
                    one.value if isinstance(one, ast.Constant) else "X" for one in part.values
                )
            elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def test_no_message_advises_in_python():
    """Of all that the package says, none advises an argument where there is an option."""
    root = Path(sk_yt8m.__file__).parent
    files = [*root.glob("*.py"), *(root / "datasets").rglob("*.py"), *root.glob("persistence/*.py")]
    messages = {message for file in files for message in _said(file)}
    assert len(messages) > 200
    names = {name: one for c in main.commands.values() for name, one in option_names(c).items()}
    for message in messages:
        shown = in_options(message, names)
        for name, value in re.findall(r"([A-Za-z_]+)=(\w+|\"\w*)", shown):
            assert name not in names, shown
            assert value not in ("True", "False", '"skip') or name in NOT_PASSED, shown
