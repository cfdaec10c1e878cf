"""A sparse indicator matrix that scikit-learn accepts as an array."""

from typing import Any

import numpy as np
import scipy.sparse as sp


class SparseIndicator:
    """A sparse indicator matrix for scikit-learn's ``cross_val_score``.

    ``cross_val_score``, ``cross_validate`` and ``learning_curve`` refuse a scipy sparse ``y``
    ("must be array-like"). This thin wrapper is array-like: it has a shape and a length, returns
    rows when indexed, and keeps the matrix in CSR form. The classifiers and the metrics of
    `sk_yt8m.metrics` accept it wherever they accept a sparse matrix.

    Parameters
    ----------
    matrix : sparse matrix or sparse array of shape (n_samples, n_labels)
        The indicator matrix, converted to CSR if necessary.

    Raises
    ------
    TypeError
        If the matrix is not a scipy sparse matrix or array.

    See Also
    --------
    sklearn.preprocessing.MultiLabelBinarizer : Makes a sparse indicator of lists of labels.

    Notes
    -----
    With an integer ``cv``, scikit-learn inspects the values of ``y`` to determine the type of
    target, which needs the dense matrix temporarily (one byte per cell). With a splitter, such as
    ``cv=KFold(3)``, no dense matrix is made.

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
        """Return the matrix itself.

        Returns
        -------
        csr_matrix or csr_array of shape (n_samples, n_labels)
            Not a copy.
        """
        return self._csr
