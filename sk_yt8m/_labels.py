"""Every accepted form of the target, brought to the one form that training needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from sk_yt8m._dense import refuse_masked, row_blocks

_BLOCK_BYTES = 32 * 2**20


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


@dataclass(frozen=True)
class TargetForm:
    """What kind of target a classifier learned, and in what form it gives predictions.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel"}
        What `y` was.
    classes : ndarray of shape (n_classes,) or (n_labels, 2)
        Sorted classes of a one-dimensional target; 0 and 1 for each label of an indicator.
    names : ndarray of shape (n_classes,) or (n_labels,)
        What the columns of the scores stand for.
    dtype : dtype
        The type of predictions.
    sparse : bool
        Whether `y` was sparse, and predictions shall be.
    """

    kind: str
    classes: np.ndarray
    names: np.ndarray
    dtype: np.dtype
    sparse: bool

    @property
    def out_activation(self) -> str:
        """The link of the output layer, in scikit-learn's words."""
        return "softmax" if self.kind == "multiclass" else "logistic"

    @property
    def score_name(self) -> str:
        """What `score` and validation give."""
        return "GAP@20" if self.kind == "multilabel" else "accuracy"

    @property
    def known_classes(self) -> np.ndarray | None:
        """The classes of a one-dimensional target, which new data may hold only some of."""
        return None if self.kind == "multilabel" else self.classes

    def check_same(self, other: "TargetForm") -> None:
        """Raise a ValueError if another target has other labels or classes than this one."""
        both = {self.kind, other.kind}
        if "multilabel" not in both and not np.array_equal(self.classes, other.classes):
            raise ValueError(
                f"expected a y with the classes of training, {_some(self.classes)}, "
                f"got {_some(other.classes)}"
            )
        if len(both) > 1 or not np.array_equal(self.classes, other.classes):
            raise ValueError(
                f"expected a {self.kind} y with {len(self.classes)} labels or classes, as in "
                f"training, got a {other.kind} one with {len(other.classes)}"
            )
        if self.kind == "multilabel":
            check_label_names(self.names, other.names)

    def check_classes(self, classes: npt.ArrayLike | None) -> None:
        """Raise a ValueError if the argument `classes` of `partial_fit` is not that of training."""
        if classes is None:
            return
        given = np.unique(np.asarray(classes))
        if self.kind == "multilabel":
            if given.size != len(self.names):
                raise ValueError(
                    f"classes has {given.size} entries, but y has {len(self.names)} labels: the "
                    "labels are the columns of y, and classes may be left out"
                )
        elif not np.array_equal(given, self.classes):
            raise ValueError(
                f"classes={given.tolist()} are not the same as on the last call to fit or "
                f"partial_fit, which were {self.classes.tolist()}"
            )


def label_columns(y: Any) -> np.ndarray | None:
    """Return the column names of a DataFrame of labels, None for what has no names."""
    if not hasattr(y, "columns") or hasattr(y, "tocsr"):
        return None
    return np.asarray(y.columns)


def check_label_names(expected: np.ndarray, names: np.ndarray) -> None:
    """Raise a ValueError if labels have other names than in training, or another order.

    Numbers from 0 in ascending order are the names of what has none, and agree with all names.

    Parameters
    ----------
    expected : ndarray of shape (n_labels,)
        The names in training.
    names : ndarray of shape (n_labels,)
        The names now.
    """
    known, given = expected.tolist(), names.tolist()
    if known == given:
        return
    if len(known) != len(given):
        raise ValueError(f"y has {len(given)} labels: expected the {len(known)} of training")
    numbers = list(range(len(known)))
    # Other numbers beside those of an array are columns of it in another order.
    if given == numbers or (known == numbers and set(given) != set(numbers)):
        return
    unseen = [name for name in given if name not in set(known)]
    missing = [name for name in known if name not in set(given)]
    message = "The label names of y should match those that were passed during fit.\n"
    if unseen:
        message += f"Label names unseen at fit time:\n{_listed(unseen)}"
    if missing:
        message += f"Label names seen at fit time, yet now missing:\n{_listed(missing)}"
    if not unseen and not missing:
        at = next(i for i, pair in enumerate(zip(known, given, strict=True)) if pair[0] != pair[1])
        message += (
            f"Label names must be in the same order as they were in fit: column {at} is "
            f"{given[at]!r}, expected {known[at]!r}\n"
        )
    raise ValueError(message)


def check_labels(form: TargetForm, y: Any) -> None:
    """Raise a ValueError if an indicator has other labels than in training, or another order."""
    names = label_columns(y)
    if names is None:
        shape = np.shape(y)
        names = np.arange(shape[1]) if len(shape) == 2 else form.names
    check_label_names(form.names, names)


def _some(classes: np.ndarray) -> str:
    return f"{classes[:10].tolist()}" + (f" and {len(classes) - 10} more" * (len(classes) > 10))


def _listed(names: list[Any]) -> str:
    shown = [f"- {name}\n" for name in names[:5]]
    return "".join(shown) + ("- ...\n" if len(names) > 5 else "")


def encode_targets(y: Any, classes: npt.ArrayLike | None = None) -> tuple[Any, TargetForm]:
    """Bring a target of any accepted form into the form that training needs.

    Parameters
    ----------
    y : array-like, sparse matrix, DataFrame or SparseIndicator
        One-dimensional classes, or an indicator matrix of labels.
    classes : array-like, optional
        All classes of a one-dimensional `y`, which may hold only some of them.

    Returns
    -------
    indicator : csr_array of shape (n_samples, n_outputs)
        The positives, with sorted indices and no stored zeros. ``n_outputs`` is 1 for a binary
        target.
    form : TargetForm
        What `y` was.

    Raises
    ------
    TypeError
        If `y` is a masked array.
    ValueError
        If `y` is empty, continuous, of one class only, or an indicator with other values than
        0 and 1.
    """
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: "
            "expected classes or an indicator matrix"
        )
    refuse_masked(y, "y")
    if hasattr(y, "tocsr"):
        return _multilabel(indicator_from_sparse(y.tocsr()), None, y.dtype, sparse=True)
    names = label_columns(y)
    if names is not None and names.size != 1:
        dtype, sparse = _frame_kind(y)
        return _multilabel(indicator_from_frame(y), names, dtype, sparse=sparse)
    array = _dense_column(y) if names is not None else np.asarray(y)
    if array.ndim == 2 and array.shape[1] > 1:
        return _multilabel(indicator_from_dense(array), None, array.dtype, sparse=False)
    return _one_dimensional(array, classes)


def _frame_kind(frame: Any) -> tuple[np.dtype, bool]:
    """Return the dtype that holds all columns of a DataFrame, and whether all are sparse."""
    kinds, sparse = set(), set()
    for dtype in frame.dtypes:
        plain = getattr(dtype, "subtype", None) or getattr(dtype, "numpy_dtype", dtype)
        kinds.add(plain if isinstance(plain, np.dtype) else np.dtype(object))
        sparse.add(hasattr(dtype, "fill_value"))
    return np.result_type(*kinds) if kinds else np.dtype(object), sparse == {True}


def _dense_column(frame: Any) -> np.ndarray:
    """Return the one column of a DataFrame, shape (n_samples, 1)."""
    column = np.asarray(frame[frame.columns[0]])
    return column.reshape(-1, 1)


def _multilabel(
    indicator: Any, names: np.ndarray | None, dtype: np.dtype, *, sparse: bool
) -> tuple[Any, TargetForm]:
    n_samples, n_labels = indicator.shape
    if n_samples == 0 or n_labels == 0:
        raise ValueError(
            f"y has shape {indicator.shape}: expected at least one sample and one label"
        )
    classes = np.tile(np.array([0, 1]), (n_labels, 1))
    names = np.arange(n_labels) if names is None else names
    # Objects may be numbers and booleans side by side.
    dtype = np.dtype(np.int64) if np.dtype(dtype).hasobject else np.dtype(dtype)
    return indicator, TargetForm("multilabel", classes, names, dtype, sparse)


def _one_dimensional(array: np.ndarray, classes: npt.ArrayLike | None) -> tuple[Any, TargetForm]:
    y = column_or_1d(array, warn=True)
    if y.size == 0:
        raise ValueError("y is empty: expected at least one sample")
    check_classification_targets(y)
    present, codes = np.unique(y, return_inverse=True)
    known = present if classes is None else np.unique(np.asarray(classes))
    unknown = np.setdiff1d(present, known)
    if unknown.size:
        raise ValueError(f"y holds classes {unknown.tolist()}, which are not in {known.tolist()}")
    if known.size < 2:
        raise ValueError(
            "expected samples of at least 2 classes, but y contains only one class: "
            f"{known.tolist()}"
        )
    codes = np.searchsorted(known, present)[codes]
    if known.size == 2:
        kind, indicator = "binary", sp.csr_array(codes[:, np.newaxis].astype(np.int8))
    else:
        ones = np.ones(codes.size, dtype=np.int8)
        csr = (ones, codes, np.arange(codes.size + 1))
        kind, indicator = "multiclass", sp.csr_array(csr, shape=(codes.size, known.size))
    return indicator, TargetForm(kind, known, known, known.dtype, sparse=False)


def read_indicator(y: Any, name: str = "y") -> Any:
    """Return the CSR indicator of a two-dimensional target of any accepted form.

    Parameters
    ----------
    y : array-like, sparse matrix, DataFrame or SparseIndicator of shape (n_samples, n_labels)
        Zeros and ones of any boolean, integer or floating dtype, nullable or object ones included.
    name : str, default="y"
        The argument's name in messages.

    Returns
    -------
    csr_array of shape (n_samples, n_labels)
        The positives, with sorted indices and no stored zeros.

    Raises
    ------
    TypeError
        If `y` is a masked array.
    ValueError
        If `y` holds other values than 0 and 1.
    """
    refuse_masked(y, name)
    if hasattr(y, "tocsr"):
        return indicator_from_sparse(y.tocsr(), name)
    if hasattr(y, "iloc"):
        return indicator_from_frame(y, name)
    return indicator_from_dense(np.asarray(y), name)


def indicator_from_sparse(matrix: Any, name: str = "y") -> Any:
    """Return a canonical CSR indicator: sorted, no duplicates, no stored zeros, int8 ones."""
    csr = sp.csr_array(matrix)
    _check_shape(csr.shape, name)
    _check_kind(csr.dtype, name)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    if not csr.data.all():
        csr = csr.copy()
        csr.eliminate_zeros()
    wrong = np.flatnonzero(csr.data != 1)
    if wrong.size:
        row = int(np.searchsorted(csr.indptr, wrong[0], side="right")) - 1
        raise _not_an_indicator(csr.data[wrong[0]], row, csr.indices[wrong[0]], name)
    ones = np.ones(csr.nnz, dtype=np.int8)
    return sp.csr_array((ones, csr.indices, csr.indptr), shape=csr.shape)


def indicator_from_dense(matrix: Any, name: str = "y") -> Any:
    """Return the CSR indicator of an array or DataFrame, which is read in blocks of rows."""
    _check_shape(matrix.shape, name)
    n, n_labels = matrix.shape
    counts, indices = np.zeros(n, dtype=np.int64), [np.zeros(0, dtype=np.int32)]
    for start, block in row_blocks(matrix, _BLOCK_BYTES):
        rows, labels = np.divmod(np.flatnonzero(_as_bool(block, start, name)), max(1, n_labels))
        counts[start : start + len(block)] = np.bincount(rows, minlength=len(block))
        indices.append(labels.astype(np.int32))
    flat = np.concatenate(indices)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return sp.csr_array((np.ones(flat.size, dtype=np.int8), flat, indptr), shape=(n, n_labels))


def indicator_from_frame(frame: Any, name: str = "y") -> Any:
    """Return the CSR indicator of a DataFrame, whose columns may be of a sparse dtype."""
    _check_shape(frame.shape, name)
    dtypes = set(getattr(frame, "dtypes", ()))
    # pandas makes one sparse matrix only of columns that are all of one dtype with zeros left out.
    if len(dtypes) == 1 and getattr(dtypes.pop(), "fill_value", None) == 0:
        return indicator_from_sparse(frame.sparse.to_coo().tocsr(), name)
    return indicator_from_dense(frame if hasattr(frame, "iloc") else frame.to_numpy(), name)


def _as_bool(block: np.ndarray, first_row: int, name: str) -> npt.NDArray[np.bool_]:
    if block.dtype == bool:
        return block
    if block.dtype == object:
        bits = np.frompyfunc(_bit, 1, 1)(block).astype(np.int8)
        wrong = bits < 0
    else:
        _check_kind(block.dtype, name)
        bits = block
        clean = not block.size or (block.min() >= 0 and block.max() <= 1 and _is_whole(block))
        wrong = None if clean else (block != 0) & (block != 1)
    if wrong is not None and wrong.any():
        row, label = np.argwhere(wrong)[0]
        raise _not_an_indicator(block[row, label], first_row + int(row), int(label), name)
    return bits.astype(bool)


def _bit(value: Any) -> int:
    """Return 0 or 1, or -1 for all else; what is missing cannot even be compared."""
    try:
        return 1 if value == 1 else 0 if value == 0 else -1
    except (TypeError, ValueError, ArithmeticError):
        return -1


def _is_whole(block: np.ndarray) -> bool:
    return block.dtype.kind != "f" or not (block % 1).any()


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 2:
        raise ValueError(
            f"{name} must be an indicator matrix of shape (n_samples, n_labels), got an array of "
            f"shape {tuple(shape)}. For 1-d classes see sklearn.preprocessing.label_binarize."
        )


def _check_kind(dtype: np.dtype, name: str) -> None:
    if dtype.kind not in "buif":
        raise ValueError(f"{name} has dtype {dtype}: expected an indicator of 0 and 1")


def _not_an_indicator(value: Any, row: int, label: int, name: str) -> ValueError:
    return ValueError(
        f"Unknown label type: a two-dimensional {name} must be an indicator matrix of 0 and 1, "
        f"but row {row}, column {label} holds {value}"
    )
