"""Every accepted form of ``y_true`` -> the sorted true labels of each sample."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from sk_yt8m._inputs.indicator import read_indicator
from sk_yt8m._inputs.target_form import label_columns
from sk_yt8m.metrics._inputs.blocks import row_slices


@dataclass(frozen=True)
class TrueLabels:
    """The true labels of each sample, as the rows of a CSR matrix."""

    #: The labels of sample ``i`` are ``indices[indptr[i]:indptr[i + 1]]``.
    indptr: npt.NDArray[np.integer]
    #: Labels, ascending and without repeats within a sample.
    indices: npt.NDArray[np.integer]
    n_labels: int
    #: The label names of a SparseIndicator, or the column names of a DataFrame.
    columns: Any = None
    #: The judged labels of each sample, the true ones among them; None if all were judged.
    rated: Optional["TrueLabels"] = None

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.indptr) - 1

    @cached_property
    def counts(self) -> npt.NDArray[np.integer]:
        """Number of true labels of each sample, shape (n_samples,)."""
        return np.diff(self.indptr)

    @cached_property
    def rows(self) -> npt.NDArray[np.intp]:
        """Sample of each positive, shape (n_positives,)."""
        return np.repeat(np.arange(self.n_samples), self.counts)

    @cached_property
    def judged(self) -> npt.NDArray[np.float64] | None:
        """1 for each sample with a rated label and 0 for others; None if all have one."""
        if self.rated is None or self.rated.counts.all():
            return None
        return (self.rated.counts > 0).astype(np.float64)

    def frequencies(self, weight: npt.NDArray[np.float64] | None = None) -> npt.NDArray[np.float64]:
        """Return the number, or the total weight, of the samples with each label."""
        if weight is None:
            return np.bincount(self.indices, minlength=self.n_labels).astype(np.float64)
        of_positive = weight[self.rows]
        # By ascending weight, rounding does not depend on the order of the samples.
        order = np.argsort(of_positive, kind="stable")
        totals = np.zeros(self.n_labels)
        np.add.at(totals, self.indices[order], of_positive[order])
        return totals

    def samples_of_labels(self) -> list[npt.NDArray[np.intp]]:
        """Return the samples with each label, in ascending order."""
        ends = np.cumsum(np.bincount(self.indices, minlength=self.n_labels))
        return np.split(self.rows[np.argsort(self.indices, kind="stable")], ends[:-1])

    def find(self, indices: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Return which of these labels of each sample, (n_samples, k), are true; -1 is no label."""
        k = indices.shape[1]
        hits = np.zeros(indices.size, dtype=bool)
        for part in row_slices(len(self.indices), 8 * k):
            rows = self.rows[part]
            same = indices[rows] == self.indices[part, None]
            positive, rank = np.divmod(np.flatnonzero(same), k)
            hits[rows[positive] * k + rank] = True
        return hits.reshape(indices.shape)

    def among(self, rated: "TrueLabels") -> "TrueLabels":
        """Return the true labels among the rated ones, with `rated` set."""
        if (rated.n_samples, rated.n_labels) != (self.n_samples, self.n_labels):
            raise ValueError(
                f"rated must have the shape of y_true, ({self.n_samples}, {self.n_labels}), "
                f"got ({rated.n_samples}, {rated.n_labels})."
            )
        check_same_names(rated.columns, "rated", self.columns, "y_true")
        both = self.to_csr().multiply(rated.to_csr()).tocsr()
        both.sort_indices()
        columns = rated.columns if self.columns is None else self.columns
        return TrueLabels(both.indptr, both.indices, self.n_labels, columns, rated)

    def to_csr(self) -> csr_array:
        """Return the indicator matrix."""
        ones = np.ones(len(self.indices), dtype=np.int8)
        shape = (self.n_samples, self.n_labels)
        return csr_array((ones, self.indices, self.indptr), shape=shape)

    def copy(self) -> "TrueLabels":
        """Return a copy that shares no array."""
        return replace(
            self,
            indptr=self.indptr.copy(),
            indices=self.indices.astype(np.int32),
            rated=None if self.rated is None else self.rated.copy(),
        )


def concatenate(parts: list[TrueLabels]) -> TrueLabels:
    """Return the samples of all parts, which have the same labels, in the order of the parts."""
    counts = np.concatenate([part.counts for part in parts])
    rated = [part.rated for part in parts if part.rated is not None]
    return TrueLabels(
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate([part.indices for part in parts]),
        parts[0].n_labels,
        next((part.columns for part in parts if part.columns is not None), None),
        concatenate(rated) if rated else None,
    )


def check_y_true(y_true: Any, rated: Any = None) -> TrueLabels:
    """Return ``y_true``, of any form, or raise ValueError if it is not an indicator matrix.

    ``rated`` is an indicator matrix of the judged labels; None means all.
    """
    labels = _read(y_true, "y_true")
    return labels if rated is None else labels.among(_read(rated, "rated"))


def shown_names(matrix: Any) -> Any:
    """Return the names of a matrix' columns as they are shown to users, None if it has none."""
    if hasattr(matrix, "iloc"):
        return matrix.columns
    names = label_columns(matrix)
    return names if names is None or names.dtype.kind != "U" else names.astype(object)


def check_same_names(names: Any, name: str, known: Any, known_name: str) -> None:
    """Raise ValueError if both have column names, and these differ."""
    if names is None or known is None or list(names) == list(known):
        return
    pairs = enumerate(zip(names, known, strict=True))
    at = next(place for place, (one, other) in pairs if one is not other and one != other)
    raise ValueError(
        f"{name} and {known_name} must have the same column names in the same order; "
        f"column {at} is {names[at]!r} in {name} and {known[at]!r} in {known_name}."
    )


def _read(matrix: Any, name: str) -> TrueLabels:
    if isinstance(matrix, TrueLabels):
        return matrix
    csr = read_indicator(matrix, name)
    if 0 in csr.shape:
        raise ValueError(
            f"{name} must have at least one row and one label, got shape {tuple(csr.shape)}."
        )
    columns = shown_names(matrix)
    return TrueLabels(csr.indptr, csr.indices, int(csr.shape[1]), columns)
