"""The README's code runs as it stands there."""

import numpy as np
import pandas as pd
import pytest
from page_code import python_blocks

from sk_yt8m.datasets import make_videos


@pytest.mark.slow
def test_from_a_column_of_tags_to_named_predictions(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="pandas reads Parquet with it")
    X, Y = make_videos(300, n_labels=12, n_features=16, random_state=0, return_X_y=True)
    names = np.array([f"tag {i}" for i in range(12)])
    videos = {"embedding": [*X], "tags": [names[row.astype(bool)].tolist() for row in Y]}
    pd.DataFrame(videos).to_parquet(tmp_path / "videos.parquet")
    monkeypatch.chdir(tmp_path)
    (block,) = python_blocks("README.md")
    lines = [line for line in block.splitlines() if line]
    assert len(lines) <= 8
    space = {}
    exec("\n".join([*lines[:-1], f"predicted = {lines[-1]}"]), space)
    predicted = space["predicted"]
    assert len(predicted) == 300
    assert max(map(len, predicted)) <= 5
    best = [row[0] for row in predicted if row]
    assert len(best) > 250
    assert {name for name, _ in best} <= set(names)
    assert all(0.1 <= score < 1 for _, score in best)
    right = [row[0][0] in tags for row, tags in zip(predicted, videos["tags"], strict=True) if row]
    assert np.mean(right) > 0.6
