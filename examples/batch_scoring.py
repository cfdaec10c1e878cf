"""Predict a store in blocks: as Parquet files, here or on Dask or Ray, and with dask.array.

python examples/batch_scoring.py --engine dask
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from sk_yt8m import DeepMultiLabelClassifier, predict_to_parquet
from sk_yt8m.datasets import convert, load_vocabulary, sample_path

K = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=["local", "dask", "ray"], default="local")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), args.engine)


def run(folder: Path, engine: str) -> None:
    # Two parts, as two machines would convert them, and one store of both.
    parts = [convert(sample_path(), folder / f"part-{i}", shard=(i, 2)) for i in range(2)]
    store = convert(parts, folder / "store")
    clf = DeepMultiLabelClassifier(hidden_layer_sizes=(100,), max_iter=3, random_state=0)
    clf.fit(store.X, store.Y)
    clf.save(folder / "model.safetensors")

    # A file for each block of rows. A second call finds them all.
    names = load_vocabulary(sample_path() / "vocabulary.csv")["name"]
    for _ in range(2):
        files = predict_to_parquet(
            folder / "model.safetensors",
            store,
            folder / "labels",
            K,
            label_names=names,
            block_size=100,
            engine=engine,
        )
    table = pd.read_parquet(folder / "labels")
    print(f"{len(files)} files, {len(table)} rows, {table['id'].nunique()} videos")
    print(table.head(K).round(3).to_string(index=False))

    # The same with dask.array alone: indices and scores side by side in one array.
    import dask.array as da

    def best(block: np.ndarray) -> np.ndarray:
        return np.hstack(clf.predict_top_k(block, k=K))

    X = da.from_array(store.X, chunks=(100, -1))
    found = X.map_blocks(best, chunks=(X.chunks[0], (2 * K,)), meta=np.empty((0, 2 * K)))
    labels, scores = np.split(found.compute(scheduler="synchronous"), 2, axis=1)
    same = (labels.ravel() == table["label"]).all() and (scores.ravel() == table["score"]).all()
    print("dask.array gives the same:", bool(same))


if __name__ == "__main__":
    main()
