"""Every accepted form of the target, brought to the one form that training needs."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.indicator import (
    indicator_from_dense,
    indicator_from_frame,
    indicator_from_sparse,
)


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
        if "multilabel" not in (self.kind, other.kind):
            if not np.array_equal(self.classes, other.classes):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous "
                    f"call to fit. Previously got {_some(self.classes)}, `y` has "
                    f"{_some(other.classes)}"
                )
        elif self.kind != other.kind or len(self.classes) != len(other.classes):
            raise self._other_kind(other.kind, len(other.classes))

    def named_as(self, other: "TargetForm") -> "TargetForm":
        """Return this form, with the label names of another that has names where this has none."""
        if np.array_equal(self.names, np.arange(len(self.names))):
            return replace(self, names=other.names)
        return self

    def check_classes(self, classes: npt.ArrayLike | None) -> None:
        """Raise a ValueError if the argument `classes` of `partial_fit` is not that of training."""
        if classes is None:
            return
        given, _ = _sorted_classes(classes, "classes")
        if self.kind == "multilabel":
            of_columns = [set(self.names.tolist()), set(range(len(self.names)))]
            if set(given.tolist()) not in of_columns:
                raise ValueError(
                    f"classes={_some(given)} are not the labels of y, which are its columns, "
                    f"{_some(self.names)}: classes may be left out"
                )
        elif not np.array_equal(given, self.classes):
            raise ValueError(
                f"classes={_some(given)} are not the same as on the last call to fit or "
                f"partial_fit, which were {_some(self.classes)}"
            )

    def check_labels(self, y: Any) -> None:
        """Raise a ValueError if `y` is of another kind, or its labels have other names or places.

        Labels without names are taken by position, with a warning where the others have names.
        """
        names, shape = label_columns(y), np.shape(y)
        one_dimensional = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
        if self.kind != "multilabel":
            if hasattr(y, "tocsr") or not one_dimensional:
                raise self._other_kind("multilabel", shape[1])
        elif names is not None or len(shape) == 2:
            check_label_names(self.names, names, shape[1])

    def _other_kind(self, kind: str, n: int) -> ValueError:
        return ValueError(
            f"expected a {self.kind} y with {len(self.classes)} labels or classes, as in "
            f"training, got a {kind} one with {n}"
        )


def label_columns(y: Any) -> np.ndarray | None:
    """Return the column names of a DataFrame of labels, None for what has no names."""
    if not hasattr(y, "columns") or hasattr(y, "tocsr"):
        return None
    return np.asarray(getattr(y, "column_names", y.columns))


def check_label_names(
    expected: np.ndarray, names: np.ndarray | None, n_labels: int, name: str = "y"
) -> None:
    """Raise a ValueError if labels have other names than in training, or another order.

    Numbers from 0 in ascending order are the names of what has none. They are taken by position
    beside other names than numbers, with a warning, as scikit-learn does with features.

    Parameters
    ----------
    expected : ndarray of shape (n_labels,)
        The names in training.
    names : ndarray of shape (n_labels,) or None
        The names now, None where there are none.
    n_labels : int
        How many labels there are now.
    name : str, default="y"
        The argument's name in messages.
    """
    known = expected.tolist()
    given = list(range(n_labels)) if names is None else names.tolist()
    if known == given:
        return
    unnamed = known == list(range(len(known))), given == list(range(n_labels))
    if any(unnamed) and len(known) != n_labels:
        raise ValueError(f"{name} has {n_labels} labels: expected the {len(known)} of training")
    comparable = names is not None and (expected.dtype.kind in "iu") == (names.dtype.kind in "iu")
    if any(unnamed) and not comparable:
        has, was = ("does not have", "with") if unnamed[1] else ("has", "without")
        warnings.warn(
            f"{name} {has} label names, but the classifier was fitted {was} label names: its "
            "columns are taken by position",
            UserWarning,
            stacklevel=2,
        )
        return
    unseen, missing = set(given) - set(known), set(known) - set(given)
    message = f"The label names of {name} should match those that were passed during fit.\n"
    if unseen:
        message += f"Label names unseen at fit time:\n{_listed(given, unseen, known)}"
    if missing:
        message += (
            f"Label names seen at fit time, yet now missing:\n{_listed(known, missing, given)}"
        )
    if not unseen and not missing:
        message += "Label names must be in the same order as they were in fit"
        pairs = zip(known, given, strict=False)
        at = next((i for i, (one, other) in enumerate(pairs) if one != other), None)
        if at is not None:
            message += f": column {at} is {given[at]!r}, expected {known[at]!r}"
    raise ValueError(message)


def accuracy(y: Any, predicted: np.ndarray, sample_weight: npt.ArrayLike | None) -> float:
    """Return the share of right classes, by weight."""
    refuse_masked(y, "y")
    refuse_masked(sample_weight, "sample_weight")
    return float(accuracy_score(class_column(y).ravel(), predicted, sample_weight=sample_weight))


def _some(classes: np.ndarray) -> str:
    more = f" and {len(classes) - 10} more" if len(classes) > 10 else ""
    return f"{classes[:10]}{more}"


def _listed(names: list[Any], chosen: set[Any], others: list[Any]) -> str:
    """Return lines of the chosen names, in quotes where others are no strings."""
    show = str if all(isinstance(name, str) for name in (*names, *others)) else repr
    lines = [f"- {show(name)}\n" for name in dict.fromkeys(names) if name in chosen]
    return "".join(lines[:5]) + ("- ...\n" if len(lines) > 5 else "")


def encode_targets(
    y: Any, classes: npt.ArrayLike | None = None, *, like: TargetForm | None = None
) -> tuple[Any, TargetForm]:
    """Bring a target of any accepted form into the form that training needs.

    Parameters
    ----------
    y : array-like, sparse matrix, DataFrame or SparseIndicator
        One-dimensional classes, or an indicator matrix of labels.
    classes : array-like, optional
        All classes of a one-dimensional `y`, which may hold only some of them.
    like : TargetForm, optional
        What `y` was in training. One column is an indicator where it was one.

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
        If `y` is empty, continuous, of one class only, lacks a class in some row, or is an
        indicator with other values than 0 and 1.
    """
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: "
            "expected classes or an indicator matrix"
        )
    refuse_masked(y, "y")
    if like is not None:
        like.check_labels(y)
    if hasattr(y, "tocsr"):
        return _multilabel(indicator_from_sparse(y.tocsr()), None, y.dtype, sparse=True)
    names, y = label_columns(y), as_pandas(y)
    narrowest = 1 if like is not None and like.kind == "multilabel" else 2
    if names is not None and (names.size == 0 or names.size >= narrowest):
        dtype, sparse = _frame_kind(y)
        return _multilabel(indicator_from_frame(y), names, dtype, sparse=sparse)
    array = class_column(y)
    if array.ndim == 2 and array.shape[1] >= narrowest:
        return _multilabel(indicator_from_dense(array), None, array.dtype, sparse=False)
    return _one_dimensional(array, classes)


def as_pandas(y: Any) -> Any:
    """Return a table of pyarrow or another library as a DataFrame of pandas, all else as it is."""
    if not hasattr(y, "columns") or hasattr(y, "iloc"):
        return y
    if hasattr(y, "column_names"):
        return y.to_pandas()
    import pandas as pd

    return pd.DataFrame(y.to_numpy(), columns=list(y.columns))


def _frame_kind(frame: Any) -> tuple[np.dtype, bool]:
    """Return the dtype that holds all columns of a DataFrame, and whether all are sparse."""
    kinds, sparse = set(), set()
    for dtype in frame.dtypes:
        plain = getattr(dtype, "subtype", None) or getattr(dtype, "numpy_dtype", dtype)
        kinds.add(plain if isinstance(plain, np.dtype) else np.dtype(object))
        sparse.add(hasattr(dtype, "fill_value"))
    return np.result_type(*kinds) if kinds else np.dtype(object), sparse == {True}


def class_column(y: Any) -> np.ndarray:
    """Return an array, or a Series or DataFrame of one column, in numpy's own dtype."""
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
    classes = np.tile(np.array([0, 1]), (n_labels, 1))
    names = np.arange(n_labels) if names is None else names
    # Objects may be numbers and booleans side by side.
    dtype = np.dtype(np.int64) if np.dtype(dtype).hasobject else np.dtype(dtype)
    return indicator, TargetForm("multilabel", classes, names, dtype, sparse)


def _one_dimensional(array: np.ndarray, classes: npt.ArrayLike | None) -> tuple[Any, TargetForm]:
    y = column_or_1d(array, warn=True)
    if y.size == 0:
        raise ValueError("y is empty: expected at least one sample")
    present, codes = _sorted_classes(y, "y")
    check_classification_targets(y)
    known = present if classes is None else _sorted_classes(classes, "classes")[0]
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


def _sorted_classes(values: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes among the values, and the number of each value's class."""
    refuse_masked(values, name)
    array = np.asarray(values)
    try:
        present, codes = np.unique(array, return_inverse=True)
    except TypeError as error:
        types = sorted({type(value).__name__ for value in array.flat})
        raise ValueError(
            f"{name} holds values of the types {types}, which have no order: expected classes of "
            "one type, and none missing"
        ) from error
    if (present != present).any():
        raise ValueError(f"{name} contains NaN or NaT: expected classes, and none missing")
    return present, codes.ravel()
