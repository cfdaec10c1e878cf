"""Generated videos: statistics, learnable labels, seeds and parameters."""

import numpy as np
import pytest

from sk_yt8m.datasets import make_videos


def test_statistics():
    bunch = make_videos(5000, random_state=0, return_indicator="sparse")
    per_video = np.diff(bunch.target.indptr)
    assert per_video.min() >= 1
    assert per_video.max() <= 16
    assert 2.3 < per_video.mean() < 3.1
    assert 0.40 < bunch.data[:, :1024].std() < 0.44
    assert 0.9 < bunch.data[:, 1024:].std() < 1.0
    assert np.abs(bunch.data).max() <= 2.0078125
    counts = np.sort(np.asarray(bunch.target.sum(axis=0)).ravel())[::-1]
    assert 2 < counts[0] / counts[9] < 10
    assert (counts == 0).sum() > 200
    together = (bunch.target.T @ bunch.target).tocoo()
    apart = together.row != together.col
    same = bunch.topics[together.row[apart]] == bunch.topics[together.col[apart]]
    assert same.mean() > 0.3


def test_the_features_tell_the_labels():
    X, Y = make_videos(3000, n_labels=50, random_state=0, return_X_y=True)
    design = np.hstack([X, np.ones((3000, 1), dtype=np.float32)])
    gram = design[:2000].T @ design[:2000] + 100 * np.eye(1153)
    scores = design[2000:] @ np.linalg.solve(gram, design[:2000].T @ Y[:2000])
    hits = np.take_along_axis(Y[2000:], scores.argmax(axis=1)[:, np.newaxis], axis=1)
    most_frequent = Y[2000:, Y[:2000].sum(axis=0).argmax()]
    assert hits.mean() > most_frequent.mean() + 0.3
    assert hits.mean() < 0.99


def test_seeds_and_sizes():
    one, two = (make_videos(20, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(one.data, two.data)
    np.testing.assert_array_equal(one.target, two.target)
    X, Y = make_videos(7, n_features=9, n_labels=5, random_state=0, return_X_y=True)
    assert X.shape == (7, 9)
    assert Y.shape == (7, 5)
    assert "made-up" in one.DESCR.lower()


def test_a_single_video_keeps_its_scale():
    videos = [make_videos(1, random_state=seed).data[0] for seed in range(20)]
    assert 0.3 < np.std(np.array(videos)[:, :1024]) < 0.6


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_samples": 0},
        {"n_samples": 2.5},
        {"n_labels": 0},
        {"mean_labels": 0.5},
        {"n_topics": 0},
        {"noise": -1},
        {"noise": np.nan},
    ],
)
def test_bad_parameters(parameters):
    with pytest.raises((TypeError, ValueError), match=next(iter(parameters))):
        make_videos(**parameters)
