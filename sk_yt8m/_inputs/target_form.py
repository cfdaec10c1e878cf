"""What a target was in training, and whether new targets have the same classes and labels."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.forms.refused_tags import refuse_tags
from sk_yt8m._inputs.forms.tables import column_names, is_table


@dataclass(frozen=True)
class TargetForm:
    """The kind of target that a classifier was trained on, and the form of its predictions.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel"}
        Kind of `y`.
    classes : ndarray of shape (n_classes,) or (n_labels,)
        Sorted classes of a one-dimensional target; of an indicator `label_numbers`.
    names : ndarray of shape (n_classes,) or (n_labels,)
        Names of the columns of the scores.
    dtype : dtype
        Dtype of predictions.
    sparse : bool
        Whether `y` was sparse; predictions are then sparse, too.
    """

    kind: str
    classes: np.ndarray
    names: np.ndarray
    dtype: np.dtype
    sparse: bool

    @property
    def out_activation(self) -> str:
        """Activation of the output layer, by scikit-learn's name."""
        return "softmax" if self.kind == "multiclass" else "logistic"

    @property
    def score_name(self) -> str:
        """Name of the metric of `score` and validation."""
        return "GAP@20" if self.kind == "multilabel" else "accuracy"

    @property
    def known_classes(self) -> np.ndarray | None:
        """Classes of a one-dimensional target; new data may hold only some of them."""
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
        """Return this form; if it has no label names, with those of the other."""
        if np.array_equal(self.names, np.arange(len(self.names))):
            return replace(self, names=other.names)
        return self

    def check_classes(self, classes: npt.ArrayLike | None) -> None:
        """Raise a ValueError if `classes` of `partial_fit` differs from the training's classes."""
        if classes is None:
            return
        given, _ = sorted_classes(classes, "classes")
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
        """Raise a ValueError if `y` is of another kind, or its labels differ in names or order.

        Lists of tags are of no kind.

        If only one of the two has label names, labels are matched by position, with a warning.
        """
        refuse_tags(y, "y")
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


def label_numbers(n_labels: int) -> np.ndarray:
    """Return the `classes_` of a multilabel target: the numbers of its labels, as objects.

    scikit-learn's tools for one response at a time choose among the columns of probabilities by
    `classes_`, as they do with MLPClassifier's. They would take two numbers of an integer dtype for
    the classes of a binary target, and leave out the first column.
    """
    return np.arange(n_labels).astype(object)


def label_columns(y: Any) -> np.ndarray | None:
    """Return the names of a SparseIndicator, or of a table's columns; None for other types."""
    if is_table(y):
        return column_names(y)
    return getattr(y, "label_names", None) if hasattr(y, "tocsr") else None


def check_label_names(
    expected: np.ndarray, names: np.ndarray | None, n_labels: int, name: str = "y"
) -> None:
    """Raise a ValueError if labels have other names than in training, or another order.

    Labels without names are called 0, 1, 2, ... If only one of the two has names, labels are
    matched by position, with a warning, as scikit-learn does with features.

    Parameters
    ----------
    expected : ndarray of shape (n_labels,)
        Names in training.
    names : ndarray of shape (n_labels,) or None
        Names in `y`; None if it has none.
    n_labels : int
        Number of labels in `y`.
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


def sorted_classes(values: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted distinct classes, and the index of each value's class."""
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
        row = int(np.argmax(array.ravel() != array.ravel()))
        raise ValueError(
            f"{name} contains NaN or NaT in row {row}: expected classes, and none missing"
        )
    return present, codes.ravel()


def _some(classes: np.ndarray) -> str:
    more = f" and {len(classes) - 10} more" if len(classes) > 10 else ""
    return f"{classes[:10]}{more}"


def _listed(names: list[Any], chosen: set[Any], others: list[Any]) -> str:
    """Return lines of the chosen names, quoted unless all names are strings."""
    show = str if all(isinstance(name, str) for name in (*names, *others)) else repr
    lines = [f"- {show(name)}\n" for name in dict.fromkeys(names) if name in chosen]
    return "".join(lines[:5]) + ("- ...\n" if len(lines) > 5 else "")
