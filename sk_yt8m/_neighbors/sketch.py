"""Fewer candidates by a cheaper product: in leading directions, and random ones for the rest."""

from typing import Any

import numpy as np

from sk_yt8m._neighbors.cosines import Candidates, candidates_by, cosines, margin
from sk_yt8m._neighbors.directions import leading_directions, orthonormal
from sk_yt8m.metrics._inputs.select import select_top_k

_LEADING, _RANDOM = 256, 512
#: How many of its deviations the estimate of a residual product may be too low.
_DEVIATIONS = 5.4
#: Narrower rows are compared in full. So are few rows, and those with more candidates than one in
#: this many: reading a row takes as long as multiplying so many in a large product.
NARROWEST, FEWEST_ROWS, _CROWD = 2048, 8192, 16
#: Candidates that are compared first, for each of the nearest rows.
_FIRST_PER_K = 1.5


class Sketch:
    """Upper bounds of cosines, from products of 769 numbers.

    A row is the sum of its part in the leading directions and a residual. The product of two
    residuals is estimated without bias by their product in random directions, scaled. The bound
    is 5.4 standard deviations of orthogonal residuals above the estimate: the chance that a cosine
    exceeds it is below 1e-4, for whatever rows, and below 1e-6 for residuals of small cosine.

    Parameters
    ----------
    references : ndarray of shape (n_rows, width), float32
        Rows of length 1, or 0.
    """

    def __init__(self, references: np.ndarray) -> None:
        rng = np.random.default_rng(0)
        width = references.shape[1]
        leading = leading_directions(references, _LEADING, rng)
        others = rng.standard_normal((width, _RANDOM), dtype=np.float32)
        others = orthonormal(others - leading @ (leading.T @ others))
        others *= np.float32(np.sqrt((width - _LEADING) / _RANDOM))
        self._basis = np.hstack([leading, others])
        self._references = references
        self._sketched = self._of(references)

    def candidates(self, units: np.ndarray, k: int, product: Any, error: float) -> list[Candidates]:
        """Return the rows that may be among the `k` nearest; `product` is for rows of many."""
        bounds = self._of(units) @ self._sketched.T
        best = select_top_k(bounds, int(_FIRST_PER_K * k))
        assert best is not None, "rows of length 1 hold no NaN"
        slack = margin(units.shape[1])
        first = [
            (places, cosines(self._references, places, unit))
            for places, unit in zip(best[0], units, strict=True)
        ]
        lowest = np.array([np.partition(found, -k)[-k] for _, found in first], dtype=np.float32)
        np.put_along_axis(bounds, best[0], -np.inf, axis=1)
        reached = bounds >= (lowest - np.float32(slack))[:, np.newaxis]
        counts = np.count_nonzero(reached, axis=1)
        is_crowded = counts > len(self._references) // _CROWD
        if counts[is_crowded].sum() < len(self._references):
            is_crowded[:] = False  # The full product reads all references, for one row or many.
        crowded = np.flatnonzero(is_crowded)
        in_full = iter(candidates_by(product, error, units[crowded], k) if crowded.size else [])
        result = []
        for row, (places, found) in enumerate(first):
            if is_crowded[row]:
                result.append(next(in_full))
                continue
            more = np.flatnonzero(reached[row])
            found = np.concatenate([found, cosines(self._references, more, units[row])])
            result.append(reaching(np.concatenate([places, more]), found, k, slack))
        return result

    def _of(self, rows: np.ndarray) -> np.ndarray:
        """Return rows in the directions, and the length of their residuals, scaled."""
        sketched = np.empty((len(rows), self._basis.shape[1] + 1), dtype=np.float32)
        np.matmul(rows, self._basis, out=sketched[:, :-1])
        leading = sketched[:, :_LEADING]
        squares = np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", leading, leading)
        # A little more than the rounding errors of the squares.
        residual = np.sqrt(np.maximum(squares, 0) + np.float32(1e-6))
        sketched[:, -1] = residual * np.sqrt(_DEVIATIONS / np.sqrt(_RANDOM))
        return sketched


def reaching(places: np.ndarray, found: np.ndarray, k: int, slack: float) -> Candidates:
    """Return in ascending order the places of the `k` highest cosines, and of those near them."""
    lowest = np.partition(found, -k)[-k]
    return np.sort(places[found >= lowest - np.float32(slack)])
