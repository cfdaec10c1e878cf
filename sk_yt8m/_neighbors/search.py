"""The nearest of the training rows, by one of several ways."""

import threading
from typing import Any

import numpy as np

from sk_yt8m._neighbors.cosines import candidates_by, nearest_of, rough_cosines
from sk_yt8m._neighbors.inverted_lists import InvertedLists
from sk_yt8m._neighbors.projection import CANDIDATES_PER_K, Projection

#: Cosines in memory at a time, for any number of references.
_MOST_COSINES = 2**24
#: What is projected: so many wide rows, of which the candidates are a small part.
_FEWEST_ROWS, _NARROWEST, _ROWS_PER_CANDIDATE = 8192, 1024, 16
_PREPARING = threading.Lock()


class NearestRows:
    """References of length 1, and what makes their comparison fast; only they are pickled.

    Parameters
    ----------
    references : ndarray of shape (n_rows, width), float32
        Rows of length 1, or 0.
    """

    def __init__(self, references: np.ndarray) -> None:
        self.references = references
        self._forget()

    def _forget(self) -> None:
        self._prepared: dict[str, Any] = {}

    def find(
        self, units: np.ndarray, k: int, algorithm: str, n_probes: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` nearest references and their cosines, best first, ties to the first.

        Parameters
        ----------
        units : ndarray of shape (n_rows, width), float32
            Rows of length 1, or 0.
        k : int
            Number of references for each row; all if there are fewer.
        algorithm : {"auto", "brute", "ivf"}
            `DeepNeighborsClassifier` describes it.
        n_probes : int
            Lists that ``"ivf"`` searches.

        Returns
        -------
        neighbors, cosines : ndarrays of shape (n_rows, k)
        """
        k = min(k, len(self.references))
        step = max(1, _MOST_COSINES // len(self.references))
        parts = [
            nearest_of(self.references, self._candidates(some, k, algorithm, n_probes), some, k)
            for some in (units[start : start + step] for start in range(0, len(units), step))
        ]
        neighbors, nearest = zip(*parts, strict=True)
        return np.concatenate(neighbors), np.concatenate(nearest)

    def _candidates(self, units: np.ndarray, k: int, algorithm: str, n_probes: int) -> Any:
        with _PREPARING:
            product, error = rough_cosines(self.references, self._prepared)
            kind = algorithm
            if algorithm == "auto":
                kind = "projection" if self._projection_pays(k) else "brute"
            if kind not in self._prepared and kind != "brute":
                build = {"projection": Projection, "ivf": InvertedLists}[kind]
                self._prepared[kind] = build(self.references)
        if kind == "projection":
            return self._prepared[kind].candidates(units, k)
        if kind == "ivf":
            return self._prepared[kind].candidates(units, k, n_probes, product, error)
        return candidates_by(product, error, units, k)

    def _projection_pays(self, k: int) -> bool:
        n_rows, width = self.references.shape
        return (
            width >= _NARROWEST
            and n_rows >= max(_FEWEST_ROWS, _ROWS_PER_CANDIDATE * CANDIDATES_PER_K * k)
            and "bfloat16" not in self._prepared
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"references": self.references}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.references = state["references"]
        self._forget()
