"""Candidates by the cosines in the leading directions of the references."""

import numpy as np

from sk_yt8m._neighbors.cosines import Candidates, reached_candidates
from sk_yt8m._neighbors.directions import leading_directions
from sk_yt8m.metrics._inputs.select import select_top_k

#: Directions, and candidates for each of the nearest rows.
N_DIRECTIONS, CANDIDATES_PER_K = 384, 4


class Projection:
    """The references in their leading directions: a function of the references alone.

    Parameters
    ----------
    references : ndarray of shape (n_rows, width), float32
        Rows of length 1, or 0.
    """

    def __init__(self, references: np.ndarray) -> None:
        rng = np.random.default_rng(0)
        self._directions = leading_directions(references, N_DIRECTIONS, rng)
        self._projected = references @ self._directions
        self._references = references

    def candidates(self, units: np.ndarray, k: int) -> list[Candidates]:
        """Return rows that are probably among the `k` nearest, at least `k` of them."""
        rough = (units @ self._directions) @ self._projected.T
        best = select_top_k(rough, CANDIDATES_PER_K * k)
        assert best is not None, "rows of length 1 hold no NaN"
        return [
            reached_candidates(self._references, places, unit, k)
            for places, unit in zip(best[0], units, strict=True)
        ]
