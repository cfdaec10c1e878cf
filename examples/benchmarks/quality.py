"""Quality, memory and size of a preset, or of other parameters, on the course set.

python examples/benchmarks/quality.py --data FOLDER [--preset neighbors] [--seeds 3]

With other parameters: --set "hidden_layer_sizes=[3000, 6400]" --set n_heads=2. With --hold-out 41
the last 41 files are not trained on, and are scored beside the validation videos: unlike these,
they never decided between recipes.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _memory import measured
from _record import add_options, write

from sk_yt8m import DeepNeighborsClassifier, make_classifier
from sk_yt8m.datasets import load_csv
from sk_yt8m.metrics import (
    gap_score,
    hit_at_k_score,
    label_reciprocal_rank_score,
    precision_at_equal_recall_rate_score,
)
from sk_yt8m.presets.make import PRESETS, WITH_MODALITIES

MODALITIES = {"rgb": 1024, "audio": 128}


def figures(Y: object, scores: object) -> dict[str, float]:
    """Return the headline figures of dense scores or a top k."""
    found = {
        "GAP@20": gap_score(Y, scores),
        **{f"Hit@{k}": hit_at_k_score(Y, scores, k=k) for k in (1, 5, 20)},
    }
    if isinstance(scores, np.ndarray):
        found["PERR"] = precision_at_equal_recall_rate_score(Y, scores)
        found["LRR"] = label_reciprocal_rank_score(Y, scores)
    return found


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Print a row for each random state or name, and the mean over random states."""
    if not rows:
        return
    table = pd.DataFrame(rows)
    if "random_state" in table:
        table = table.set_index("random_state")
        table.loc["mean"] = table.mean()
    index = table.index.name is not None
    print(f"\n{title}\n{table.round(4).to_string(index=index)}", flush=True)


def with_neighbors(clf: Any) -> Iterator[tuple[str, Any, DeepNeighborsClassifier]]:
    """Yield the members that have neighbours: name, whole member and the part that has them."""
    for name, member in getattr(clf, "named_estimators_", {"": clf}).items():
        for part in (member, getattr(member, "estimator_", None)):
            if isinstance(part, DeepNeighborsClassifier):
                yield name, member, part


def members(clf: Any, X: np.ndarray, Y: Any) -> list[dict[str, Any]]:
    """Return the quality of each network alone and with its neighbours."""
    rows = []
    for name, member, part in with_neighbors(clf):
        own = part.neighbor_weight
        for what, weight in (("network alone", 0.0), ("with neighbours", own)):
            part.set_params(neighbor_weight=weight)
            rows.append({"member": name, "scores": what, **figures(Y, member.predict_top_k(X))})
        part.set_params(neighbor_weight=own)
    return rows


def cost(clf: Any, X: np.ndarray) -> dict[str, float]:
    """Return what the best 20 labels of 1,000 videos take, and the size of the model's file."""
    clf.predict_top_k(X[:1000])
    start, cpu_start = time.perf_counter(), time.process_time()
    clf.predict_top_k(X[:1000])
    spent = time.perf_counter() - start, time.process_time() - cpu_start
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.safetensors")
        clf.save(file)
        return {"seconds": spent[0], "processor s": spent[1], "file MB": file.stat().st_size / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the course's CSV files")
    parser.add_argument("--preset", default="default", choices=PRESETS, help="recipe (default)")
    parser.add_argument("--seeds", type=int, default=1, help="random states 0, 1, ... (1)")
    parser.add_argument("--max-iter", type=int, help="epochs (those of the preset)")
    parser.add_argument("--precision", default="auto", help="float32, bfloat16 or auto")
    parser.add_argument("--set", action="append", default=[], help="parameter=value, in JSON")
    parser.add_argument("--hold-out", type=int, default=0, help="files not to train on (0)")
    add_options(parser)
    args = parser.parse_args()
    parameters = {name: json.loads(v) for name, _, v in (p.partition("=") for p in args.set)}
    if args.max_iter:
        parameters["max_iter"] = args.max_iter
    modalities = MODALITIES if args.preset in WITH_MODALITIES else None

    train = load_csv(args.data, split="course-train", return_indicator="sparse")
    val = load_csv(args.data, split="course-val", return_indicator="sparse")
    kept = train.shard < train.shard.max() + 1 - args.hold_out
    X, Y, X_val, Y_val = np.array(train.data)[kept], train.target[kept], val.data, val.target
    X_out, Y_out = train.data[~kept], train.target[~kept]
    # TensorFlow's import is not part of what fit needs.
    import sk_yt8m._training.trainer  # noqa: F401
    from sk_yt8m._tensorflow import resolve_precision

    halves = modalities is None and resolve_precision("auto") == "bfloat16"
    tables: dict[str, list] = {
        name: [] for name in ("seeds", "held out", "bfloat16", "members", "prediction")
    }
    for seed in range(args.seeds):
        clf = make_classifier(
            args.preset,
            modalities=modalities,
            random_state=seed,
            precision=args.precision,
            verbose=True,
            **parameters,
        )
        row = {"random_state": seed}
        start, cpu_start = time.perf_counter(), time.process_time()
        with measured() as memory:
            clf.fit(X, Y)
        spent = time.perf_counter() - start, time.process_time() - cpu_start
        scores = clf.predict_proba(X_val)
        taken = {"seconds": spent[0], "processor s": spent[1], "MB": memory.added}
        tables["seeds"].append({**row, **figures(Y_val, scores), **taken})
        if args.hold_out:
            tables["held out"].append({**row, **figures(Y_out, clf.predict_proba(X_out))})
        if halves:
            rough = clf.set_params(predict_precision="bfloat16").predict_proba(X_val)
            clf.set_params(predict_precision="float32")
            changed = (rough.argmax(axis=1) != scores.argmax(axis=1)).mean()
            tables["bfloat16"].append({**row, **figures(Y_val, rough), "label changed": changed})
        if seed == 0:
            tables["members"] = members(clf, X_val, Y_val)
            tables["prediction"] = [cost(clf, X_val)]
        write(args, tables, seeds=range(seed + 1))
    show("validation videos", tables["seeds"])
    show("videos of the files that were held out", tables["held out"])
    show("predict_precision='bfloat16'", tables["bfloat16"])
    show("members", tables["members"])
    show("1,000 videos, best 20 labels, and the model's file", tables["prediction"])


if __name__ == "__main__":
    main()
