"""The k best labels of each sample, from classifiers to metrics."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class TopK(NamedTuple):
    """The ``k`` highest-scored labels of each sample, best first.

    A plain tuple ``(indices, scores)`` is accepted wherever a ``TopK`` is.

    Attributes
    ----------
    indices : ndarray of shape (n_samples, k), int32
        Label indices by descending score; ties by ascending index.
    scores : ndarray of shape (n_samples, k), float32
        The scores of these labels.
    """

    indices: npt.NDArray[np.integer]
    scores: npt.NDArray[np.floating]
