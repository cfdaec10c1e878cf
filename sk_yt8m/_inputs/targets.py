"""Every accepted form of y -> the sparse indicator that training needs."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.forms.refused_tags import refuse_tags, warn_of_joined_tags
from sk_yt8m._inputs.forms.tables import as_pandas
from sk_yt8m._inputs.indicator import (
    indicator_from_dense,
    indicator_from_frame,
    indicator_from_sparse,
)
from sk_yt8m._inputs.target_form import (
    TargetForm,
    label_columns,
    label_numbers,
    sorted_classes,
)


def encode_targets(
    y: Any, classes: npt.ArrayLike | None = None, *, like: TargetForm | None = None
) -> tuple[Any, TargetForm]:
    """Return the sparse indicator of a target of any accepted form.

    Parameters
    ----------
    y : array-like, sparse matrix, DataFrame or SparseIndicator
        One-dimensional classes, or an indicator matrix of labels.
    classes : array-like, optional
        All classes of a one-dimensional `y`, which may hold only some of them.
    like : TargetForm, optional
        The training target. If it was an indicator, a single column is one, too.

    Returns
    -------
    indicator : csr_array of shape (n_samples, n_outputs)
        The positives, with sorted indices and no stored zeros. ``n_outputs`` is 1 for a binary
        target.
    form : TargetForm
        Kind, classes and label names of `y`.

    Raises
    ------
    TypeError
        If `y` is a masked array or a LazyFrame.
    ValueError
        If `y` is empty, continuous, of one class only, lacks a class in some row, or is an
        indicator with other values than 0 and 1, or lists of tags.
    """
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: "
            "expected classes or an indicator matrix"
        )
    refuse_masked(y, "y")
    if like is None:
        refuse_tags(y, "y")
    else:
        like.check_labels(y)
    if hasattr(y, "tocsr"):
        return _multilabel(indicator_from_sparse(y.tocsr()), label_columns(y), y.dtype, sparse=True)
    names, y = label_columns(y), as_pandas(y)
    narrowest = 1 if like is not None and like.kind == "multilabel" else 2
    if names is not None and (names.size == 0 or names.size >= narrowest):
        dtype, sparse = _frame_kind(y)
        return _multilabel(indicator_from_frame(y), names, dtype, sparse=sparse)
    array = class_column(y)
    if array.ndim == 2 and array.shape[1] >= narrowest:
        return _multilabel(indicator_from_dense(array), None, array.dtype, sparse=False)
    return _one_dimensional(array, classes, is_first=like is None)


def _frame_kind(frame: Any) -> tuple[np.dtype, bool]:
    """Return the common dtype of a DataFrame's columns, and whether all are sparse."""
    kinds, sparse = set(), set()
    for dtype in frame.dtypes:
        plain = getattr(dtype, "subtype", None) or getattr(dtype, "numpy_dtype", dtype)
        kinds.add(plain if isinstance(plain, np.dtype) else np.dtype(object))
        sparse.add(hasattr(dtype, "fill_value"))
    return np.result_type(*kinds) if kinds else np.dtype(object), sparse == {True}


def class_column(y: Any) -> np.ndarray:
    """Return an array, Series or one-column DataFrame as an array of a numpy dtype."""
    y = as_pandas(y)
    if hasattr(y, "columns"):
        return class_column(y.iloc[:, 0]).reshape(-1, 1)
    dtype: Any = getattr(y, "dtype", None)
    plain = getattr(dtype, "subtype", None) or getattr(dtype, "numpy_dtype", None)
    if plain is None:
        array = np.asarray(y)
    elif (missing := np.asarray(y.isna())).any():
        raise _missing(missing)
    else:
        array = y.to_numpy(dtype=plain)
    if array.dtype == object and array.size == len(array):
        import pandas as pd

        if (missing := pd.isna(array.ravel())).any():
            raise _missing(missing)
    return array


def _missing(missing: np.ndarray) -> ValueError:
    return ValueError(
        f"Input y contains NaN or another missing value in row {np.flatnonzero(missing)[0]}: "
        "expected classes"
    )


def _multilabel(
    indicator: Any, names: np.ndarray | None, dtype: np.dtype, *, sparse: bool
) -> tuple[Any, TargetForm]:
    n_samples, n_labels = indicator.shape
    if n_samples == 0 or n_labels == 0:
        raise ValueError(
            f"y has shape {indicator.shape}: expected at least one sample and one label"
        )
    names = np.arange(n_labels) if names is None else names
    # Objects may be numbers and booleans side by side.
    dtype = np.dtype(np.int64) if np.dtype(dtype).hasobject else np.dtype(dtype)
    return indicator, TargetForm("multilabel", label_numbers(n_labels), names, dtype, sparse)


def _one_dimensional(
    array: np.ndarray, classes: npt.ArrayLike | None, *, is_first: bool
) -> tuple[Any, TargetForm]:
    y = column_or_1d(array, warn=True)
    if y.size == 0:
        raise ValueError("y is empty: expected at least one sample")
    present, codes = sorted_classes(y, "y")
    check_classification_targets(y)
    known = present if classes is None else sorted_classes(classes, "classes")[0]
    unknown = np.setdiff1d(present, known)
    if unknown.size:
        raise ValueError(f"y holds classes {unknown.tolist()}, which are not in {known.tolist()}")
    if known.size < 2:
        raise ValueError(
            "expected samples of at least 2 classes, but y contains only one class: "
            f"{known.tolist()}"
        )
    if is_first:
        warn_of_joined_tags(present, codes)
    codes = np.searchsorted(known, present)[codes]
    if known.size == 2:
        kind, indicator = "binary", sp.csr_array(codes[:, np.newaxis].astype(np.int8))
    else:
        ones = np.ones(codes.size, dtype=np.int8)
        csr = (ones, codes, np.arange(codes.size + 1))
        kind, indicator = "multiclass", sp.csr_array(csr, shape=(codes.size, known.size))
    return indicator, TargetForm(kind, known, known, known.dtype, sparse=False)


def accuracy(y: Any, predicted: np.ndarray, sample_weight: npt.ArrayLike | None) -> float:
    """Return the weighted share of correct classes."""
    refuse_masked(y, "y")
    refuse_masked(sample_weight, "sample_weight")
    return float(accuracy_score(class_column(y).ravel(), predicted, sample_weight=sample_weight))
