"""From lists of tags to the target that training needs: seconds and memory of each way.

    python examples/benchmarks/tags.py [--rows 41393] [--labels 3862]

Made-up tags, three a row. All ways keep the names of the labels, except a binarizer's matrix alone.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from _memory import measured
from _record import add_options, write
from sklearn.preprocessing import MultiLabelBinarizer

from sk_yt8m import SparseIndicator
from sk_yt8m._inputs.targets import encode_targets


def tags_of(n_rows: int, n_labels: int) -> pd.Series:
    """Return lists of names, of which few are frequent."""
    rng = np.random.default_rng(0)
    names = np.array([f"tag {number:05d}" for number in range(n_labels)])
    numbers = np.minimum(rng.zipf(1.3, size=(n_rows, 3)) - 1, n_labels - 1)
    numbers[:n_labels, 0] = np.arange(min(n_rows, n_labels))
    return pd.Series(names[numbers].tolist())


def indicator(tags: pd.Series) -> Any:
    return SparseIndicator.from_tags(tags)


def binarizer(tags: pd.Series) -> Any:
    return MultiLabelBinarizer(sparse_output=True).fit_transform(tags)


def sparse_frame(tags: pd.Series) -> Any:
    encoder = MultiLabelBinarizer(sparse_output=True)
    matrix = encoder.fit_transform(tags)
    return pd.DataFrame.sparse.from_spmatrix(matrix, columns=encoder.classes_)


def dense_frame(tags: pd.Series) -> Any:
    encoder = MultiLabelBinarizer()
    return pd.DataFrame(encoder.fit_transform(tags), columns=encoder.classes_)


WAYS: dict[str, Callable[[pd.Series], Any]] = {
    "SparseIndicator.from_tags": indicator,
    "MultiLabelBinarizer(sparse_output=True), no names": binarizer,
    "the same as a DataFrame": sparse_frame,
    "MultiLabelBinarizer() as a DataFrame": dense_frame,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=41_393)
    parser.add_argument("--labels", type=int, default=3_862)
    add_options(parser)
    args = parser.parse_args()
    tags = tags_of(args.rows, args.labels)
    print(f"{'':52}{'made':>8}{'read':>8}{'MB':>8}")
    rows = []
    for name, make in WAYS.items():
        seconds, added = [], []
        for _ in range(3):
            with measured() as memory:
                start = time.perf_counter()
                y = make(tags)
                made = time.perf_counter()
                encode_targets(y)
                seconds.append((made - start, time.perf_counter() - made))
            added.append(memory.added)
        made_in, read_in = np.min(seconds, axis=0)
        print(f"{name:52}{made_in:8.3f}{read_in:8.3f}{max(added):8.0f}", flush=True)
        rows.append({"way": name, "made": made_in, "read": read_in, "MB": max(added)})
    write(args, {"ways": rows}, seeds=[0], packages=["pandas"])


if __name__ == "__main__":
    main()
