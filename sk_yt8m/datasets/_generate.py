"""Generated videos with the layout and the statistics of YouTube-8M."""

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state

from sk_yt8m._inputs.types import RandomState
from sk_yt8m._sklearn import Interval, StrOptions, validate_params
from sk_yt8m.datasets._bunch import as_bunch
from sk_yt8m.datasets._schema import N_FEATURES, N_LABELS, N_RGB

_DESCR = """\
Made-up videos, generated at random. Labels have Zipf-like frequencies and occur together within
topics; each label has a direction in a latent space, and the features of a video are a random
linear map of the mean direction of its labels, plus noise."""

_LATENT = 64
_MOST_LABELS = 16
_COUNT = [Interval(Integral, 1, None, closed="left")]


@validate_params(
    {
        "n_samples": _COUNT,
        "n_features": _COUNT,
        "n_labels": _COUNT,
        "n_topics": _COUNT,
        "mean_labels": [Interval(Real, 1, _MOST_LABELS, closed="both")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "return_indicator": [StrOptions({"dense", "sparse"})],
    },
    prefer_skip_nested_validation=True,
)
def make_videos(
    n_samples: int = 1000,
    *,
    n_features: int = N_FEATURES,
    n_labels: int = N_LABELS,
    n_topics: int = 40,
    mean_labels: float = 3.0,
    noise: float = 0.5,
    return_indicator: Literal["dense", "sparse"] = "dense",
    return_X_y: bool = False,
    as_frame: bool = False,
    random_state: RandomState = None,
) -> Any:
    """Generate videos with the layout of YouTube-8M and realistic label statistics.

    Label frequencies follow Zipf's law. A video has one label drawn by frequency and others mostly
    from the same topic, 1 to 16 in all. The features are a linear map of a latent vector that
    depends on the labels, plus noise; visual and audio features have the scales that they have in
    YouTube-8M.

    Read more in the :ref:`User Guide <data>`.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of videos.
    n_features : int, default=1152
        Number of features; the last ninth is scaled as audio features.
    n_labels : int, default=3862
        Number of labels.
    n_topics : int, default=40
        Number of topics; each label belongs to one.
    mean_labels : float, default=3.0
        Mean number of labels drawn for a video, at least 1; repeated draws count once.
    noise : float, default=0.5
        Standard deviation of the noise added to the latent vector, whose signal has length 1; noise
        of half this deviation is added to each feature.
    return_indicator : {"dense", "sparse"}, default="dense"
        Form of the labels.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return DataFrames.
    random_state : int, RandomState instance or None, default=None
        Source of all random numbers. Topics and directions depend on it too: for two sets of the
        same problem, generate one and split it.

    Returns
    -------
    Bunch
        With ``data`` of shape (n_samples, n_features), float32; ``target`` of shape (n_samples,
        n_labels), uint8; ``topics`` of shape (n_labels,), the topic of each label; ``frame``,
        ``feature_names``, ``target_names``, ``DESCR``. With `return_X_y` only ``(data, target)``.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    load_sample : A small generated set that is part of the package.

    Examples
    --------
    >>> from sk_yt8m.datasets import make_videos
    >>> X, Y = make_videos(100, return_X_y=True, random_state=0)
    >>> X.shape, Y.shape
    ((100, 1152), (100, 3862))
    """
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng(seed)
    topics = rng.integers(0, n_topics, n_labels)
    Y = _labels(rng, n_samples, topics, mean_labels)
    X = _features(rng, Y, topics, n_topics, n_features, noise)
    return as_bunch(
        X,
        Y,
        return_indicator=return_indicator,
        return_X_y=return_X_y,
        as_frame=as_frame,
        descr=_DESCR,
        topics=topics,
    )


def _labels(
    rng: np.random.Generator, n_samples: int, topics: np.ndarray, mean_labels: float
) -> sp.csr_matrix:
    n_labels = topics.size
    frequency = 1.0 / (np.arange(n_labels) + 3.0)
    # Labels sorted by topic, so that a topic is an interval of the cumulated frequencies.
    by_topic = np.argsort(topics, kind="stable")
    cumulated = np.concatenate([[0.0], np.cumsum(frequency[by_topic])])
    n_in_topic = np.bincount(topics, minlength=topics.max() + 1)
    ends = cumulated[np.cumsum(n_in_topic)]
    starts = cumulated[np.cumsum(n_in_topic) - n_in_topic]

    n_drawn = np.minimum(1 + rng.poisson(mean_labels - 1.0, n_samples), _MOST_LABELS)
    first = None
    rows, columns = [], []
    for place in range(int(n_drawn.max())):
        drawn = np.flatnonzero(n_drawn > place)
        low, high = np.zeros(drawn.size), np.full(drawn.size, cumulated[-1])
        if first is not None:
            related = rng.random(drawn.size) < 0.8
            topic = topics[first[drawn]]
            low, high = np.where(related, starts[topic], low), np.where(related, ends[topic], high)
        point = low + (high - low) * rng.random(drawn.size)
        position = np.searchsorted(cumulated, point, side="right") - 1
        labels = by_topic[np.clip(position, 0, n_labels - 1)]
        first = labels if first is None else first
        rows.append(drawn)
        columns.append(labels)
    at = (np.concatenate(rows), np.concatenate(columns))
    Y = sp.csr_matrix((np.ones(at[0].size, dtype=np.int32), at), shape=(n_samples, n_labels))
    Y.sum_duplicates()
    Y.data = np.ones(Y.nnz, dtype=np.uint8)
    return Y


def _features(
    rng: np.random.Generator,
    Y: sp.csr_matrix,
    topics: np.ndarray,
    n_topics: int,
    n_features: int,
    noise: float,
) -> np.ndarray:
    centres = rng.normal(size=(n_topics, _LATENT))
    directions = centres[topics] + rng.normal(size=(topics.size, _LATENT))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    latent = (Y @ directions) / np.diff(Y.indptr)[:, np.newaxis]
    latent += rng.normal(scale=noise / _LATENT**0.5, size=latent.shape)
    X = (latent @ rng.normal(size=(_LATENT, n_features))).astype(np.float32)
    X += rng.standard_normal(X.shape, dtype=np.float32) * np.float32(noise / 2)
    n_visual = round(n_features * N_RGB / N_FEATURES)
    scale = np.where(np.arange(n_features) < n_visual, 0.42, 0.98).astype(np.float32)
    deviation = X.std(axis=0)
    # A single video has no deviation.
    X *= scale / np.where(deviation > 0, deviation, 1)
    return np.clip(X, -1.9921875, 2.0078125, out=X)
