"""A sparse indicator matrix with label names, which scikit-learn accepts as an array."""

import reprlib
from collections.abc import Collection, Hashable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from sk_yt8m._inputs.forms.tags import check_names, encode_tags
from sk_yt8m._inputs.indicator import indicator_from_dense
from sk_yt8m._inputs.types import SupportsToCSR

if TYPE_CHECKING:
    from sklearn.preprocessing import MultiLabelBinarizer


class SparseIndicator:
    """A sparse indicator matrix of labels that have names, as the target `y`.

    The classifiers and the metrics of ``sk_yt8m.metrics`` accept it wherever they accept a sparse
    matrix, and use its names as they use the column names of a DataFrame. Unlike a scipy sparse
    matrix, it is array-like: it has a shape and a length, and returns rows when indexed. So
    ``cross_val_score``, ``cross_validate`` and ``learning_curve`` accept it, which refuse a scipy
    sparse ``y`` ("must be array-like").

    Read more in the :ref:`User Guide <targets>`.

    Parameters
    ----------
    matrix : {sparse matrix, sparse array, ndarray} of shape (n_samples, n_labels)
        The indicator matrix, converted to CSR if necessary.
    label_names : sequence, Index or fitted MultiLabelBinarizer, default=None
        Names of the columns, all different. None for a matrix without names.

    Attributes
    ----------
    label_names : ndarray of shape (n_labels,) or None
        Names of the columns.

    Raises
    ------
    TypeError
        If the matrix is neither sparse nor an array, or the names have no order.
    ValueError
        If an array holds anything but 0 and 1; if there is not one name for each column, or a name
        is missing or repeated; or if a MultiLabelBinarizer is not fitted.

    See Also
    --------
    SparseIndicator.from_tags : Make one of lists of tags.
    sklearn.preprocessing.MultiLabelBinarizer : Makes an indicator matrix of lists of labels.

    Notes
    -----
    With an integer ``cv``, scikit-learn inspects the values of ``y`` to determine the type of
    target, which needs the dense matrix temporarily (one byte per cell). With a splitter, such as
    ``cv=KFold(3)``, no dense matrix is made.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from sk_yt8m import SparseIndicator
    >>> Y = SparseIndicator(sp.csr_array([[0, 1, 1], [1, 0, 0]]), ["cat", "dog", "fish"])
    >>> Y.shape, len(Y)
    ((2, 3), 2)
    >>> Y[[1]].tocsr().toarray()
    array([[1, 0, 0]])
    >>> Y.to_tags()
    [('dog', 'fish'), ('cat',)]
    """

    def __init__(
        self,
        matrix: np.ndarray | SupportsToCSR,
        label_names: "npt.ArrayLike | MultiLabelBinarizer | None" = None,
    ) -> None:
        sparse: Any = matrix
        if isinstance(matrix, np.ndarray):
            dtype = np.int64 if matrix.dtype == object else matrix.dtype
            sparse = indicator_from_dense(matrix, "matrix").astype(dtype)
        if not sp.issparse(sparse):
            raise TypeError(
                "SparseIndicator takes a scipy sparse matrix or array, or a numpy array, got "
                f"{type(matrix).__name__}. Of lists of tags, write SparseIndicator.from_tags(tags)"
            )
        self._csr = sparse.tocsr()
        self.label_names: np.ndarray | None = None
        if label_names is not None:
            self.label_names = check_names(label_names, self.shape[1])

    @classmethod
    def from_tags(
        cls,
        tags: Iterable[Collection[Hashable]],
        label_names: "npt.ArrayLike | MultiLabelBinarizer | None" = None,
        *,
        unknown: Literal["error", "ignore"] = "error",
    ) -> Self:
        """Make the indicator matrix of lists of tags.

        No dense matrix is made.

        Parameters
        ----------
        tags : sequence or column of shape (n_samples,)
            The tags of each row: a list, tuple, set or array of strings or of integers. An empty
            one is a row without labels; a repeated tag counts once. The column is a list, an array
            of objects, a Series of pandas or polars, or an array of pyarrow.
        label_names : sequence, Index or fitted MultiLabelBinarizer, default=None
            All labels, in the order of the columns. None for the sorted different tags.
        unknown : {"error", "ignore"}, default="error"
            What to do with a tag that is not among `label_names`: raise a ValueError, or leave it
            out. Validation and new data often have tags that the training data lack.

        Returns
        -------
        SparseIndicator
            Matrix of shape (n_samples, n_labels), uint8, with names.

        Raises
        ------
        TypeError
            If `tags` is not one column of rows, or `label_names` has no order.
        ValueError
            If a row is missing or a string, which would be split into characters; if tags are not
            all strings or all integers, or not among `label_names`; if these are missing or
            repeated; or if there is no tag and no name.

        See Also
        --------
        to_tags : The way back.
        sk_yt8m.DeepMultiLabelClassifier.fit : Takes the result as `y`.

        Examples
        --------
        >>> from sk_yt8m import SparseIndicator
        >>> Y = SparseIndicator.from_tags([["dog", "cat"], [], ["fish"]])
        >>> Y
        SparseIndicator(shape=(3, 3), nnz=3, label_names=['cat', 'dog', 'fish'])
        >>> new = SparseIndicator.from_tags([["cat", "bird"]], Y.label_names, unknown="ignore")
        >>> new.to_tags()
        [('cat',)]
        """
        return cls(*encode_tags(tags, label_names, unknown))

    def to_tags(self) -> list[tuple[Any, ...]]:
        """Return the names of each row's labels.

        Returns
        -------
        list of tuple, of length n_samples
            Names in the order of the columns, as ``MultiLabelBinarizer.inverse_transform`` returns
            them; numbers of the columns if the labels have no names.

        See Also
        --------
        from_tags : The way there.

        Examples
        --------
        >>> from sk_yt8m import SparseIndicator
        >>> Y = SparseIndicator.from_tags([["dog", "cat"], [], ["fish"]])
        >>> Y.to_tags()
        [('cat', 'dog'), (), ('fish',)]
        """
        csr = sp.csr_array(self._csr, copy=True)
        csr.sum_duplicates()
        csr.eliminate_zeros()
        names = np.arange(self.shape[1]) if self.label_names is None else self.label_names
        flat = names[csr.indices]
        values = [*flat] if names.dtype.kind in "mM" else flat.tolist()
        starts = csr.indptr.tolist()
        return [tuple(values[start:stop]) for start, stop in pairwise(starts)]

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

    def __getitem__(self, key: Any) -> "SparseIndicator":
        rows, columns = _rows_and_columns(key)
        names = None if self.label_names is None else self.label_names[columns]
        return SparseIndicator(self._csr[rows][:, columns], names)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("a sparse indicator matrix has no dense form to share")
        return self._csr.astype(bool if dtype is None else dtype).toarray()

    def __repr__(self) -> str:
        names = ""
        if self.label_names is not None:
            names = f", label_names={reprlib.repr(self.label_names.tolist())}"
        return f"SparseIndicator(shape={self.shape}, nnz={self._csr.nnz}{names})"

    def tocsr(self) -> Any:
        """Return the matrix itself.

        Returns
        -------
        csr_matrix or csr_array of shape (n_samples, n_labels)
            Not a copy.

        Examples
        --------
        >>> from sk_yt8m import SparseIndicator
        >>> Y = SparseIndicator.from_tags([["dog", "cat"], [], ["fish"]])
        >>> Y.tocsr().sum(axis=0).tolist()  # rows with each label
        [1, 1, 1]
        """
        return self._csr


def _rows_and_columns(key: Any) -> tuple[Any, Any]:
    """Return what is indexed as slices or arrays, so that two dimensions remain."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) > 2:
        raise IndexError(f"a SparseIndicator has 2 dimensions, but {len(parts)} were indexed")
    rows, columns = (_as_index(part) for part in (*parts, slice(None))[:2])
    return rows, columns


def _as_index(part: Any) -> npt.NDArray[Any] | slice:
    if part is Ellipsis:
        return slice(None)
    if isinstance(part, slice):
        return part
    index = np.atleast_1d(np.asarray(part))
    return index.astype(np.intp) if not index.size and index.dtype != bool else index
