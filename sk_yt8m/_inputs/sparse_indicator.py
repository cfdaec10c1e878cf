"""A sparse indicator that scikit-learn takes for an array."""

from typing import Any

import numpy as np
import scipy.sparse as sp


class SparseIndicator:
    """A sparse indicator matrix that scikit-learn's ``cross_val_score`` lets through.

    ``cross_val_score``, ``cross_validate`` and ``learning_curve`` refuse a scipy sparse ``y``
    ("must be array-like"). This thin holder is array-like: it has a shape and a length, gives
    rows when indexed, and keeps the matrix in CSR form. `DeepMultiLabelClassifier` and the
    metrics of `sk_yt8m.metrics` take it wherever they take a sparse matrix.

    Parameters
    ----------
    matrix : sparse matrix or sparse array of shape (n_samples, n_labels)
        The indicator matrix; converted to CSR where it is not yet.

    Notes
    -----
    An integer ``cv`` makes scikit-learn look at the values of ``y`` to find out what kind of
    target it is, which needs the dense matrix for a moment (one byte a cell). A splitter, say
    ``cv=KFold(3)``, is taken as it is, and nothing dense is ever made.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from sk_yt8m import SparseIndicator
    >>> Y = SparseIndicator(sp.csr_array([[0, 1, 1], [1, 0, 0]]))
    >>> Y.shape, len(Y)
    ((2, 3), 2)
    >>> Y[[1]].tocsr().toarray()
    array([[1, 0, 0]])
    """

    def __init__(self, matrix: Any) -> None:
        if not sp.issparse(matrix):
            raise TypeError(
                f"SparseIndicator takes a scipy sparse matrix or array, got {type(matrix).__name__}"
            )
        self._csr = matrix.tocsr()

    @property
    def shape(self) -> tuple[int, int]:
        """Number of samples and of labels."""
        return self._csr.shape

    @property
    def ndim(self) -> int:
        """Always 2."""
        return 2

    @property
    def dtype(self) -> np.dtype:
        """Type of the stored values."""
        return self._csr.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> "SparseIndicator":
        if isinstance(rows, (int, np.integer)):
            rows = [rows]
        return SparseIndicator(self._csr[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("a sparse indicator matrix has no dense form to share")
        return self._csr.astype(bool if dtype is None else dtype).toarray()

    def __repr__(self) -> str:
        return f"SparseIndicator(shape={self.shape}, nnz={self._csr.nnz})"

    def tocsr(self) -> Any:
        """Return the matrix itself."""
        return self._csr
