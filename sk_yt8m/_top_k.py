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

    See Also
    --------
    DeepMultiLabelClassifier.predict_top_k : Returns one.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m import TopK
    >>> from sk_yt8m.metrics import hit_at_k_score
    >>> best = TopK(np.array([[2, 0], [1, 2]]), np.array([[0.9, 0.3], [0.8, 0.1]]))
    >>> hit_at_k_score([[1, 0, 0], [0, 1, 0]], best, k=1)
    0.5
    """

    indices: npt.NDArray[np.integer]
    scores: npt.NDArray[np.floating]
