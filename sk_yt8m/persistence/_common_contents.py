"""What every fitted classifier has in a model file: parameters, target and metadata requests."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, Self

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import check_keys, dump_json, field, shown
from sk_yt8m._files.tensor_content import Tensors
from sk_yt8m._files.values import decode_array, decode_dtype, encode_array, encode_dtype
from sk_yt8m._inputs.target_form import TargetForm, label_numbers
from sk_yt8m.persistence._tensor_checks import Layout

_KINDS = ("binary", "multiclass", "multilabel")

#: Entries of the content of every classifier; "versions" only of the outermost.
COMMON = {"estimator", "versions", "parameters", "target", "metadata_requests"}

#: Methods whose arguments a meta-estimator may route.
ROUTED = ("fit", "partial_fit", "score")

Requests = dict[str, dict[str, bool | str]]
#: The JSON part of a classifier.
Content = dict[str, Any]
#: Parameters, target and requests: the first fields of every `Saved`.
Common = tuple[dict[str, Any], TargetForm, Requests]


@dataclass(frozen=True)
class Saved(ABC):
    """A fitted classifier as plain values; each kind tells what it adds to a model file.

    Attributes
    ----------
    parameters : dict
        Parameters by name, in the JSON form of `encode`.
    form : TargetForm
        What the outputs stand for.
    requests : dict of str to dict
        Metadata requests by method.
    """

    parameters: dict[str, Any]
    form: TargetForm
    requests: Requests

    #: Name of the class.
    estimator: ClassVar[str]
    #: Entries of the content, beside `COMMON`.
    entries: ClassVar[set[str]]

    @property
    def inside(self) -> "dict[str, Saved]":
        """The fitted classifiers inside, by the place of their tensors; all are equally deep."""
        return {}

    @property
    def n_features(self) -> int:
        """Number of features."""
        return next(iter(self.inside.values())).n_features

    @abstractmethod
    def own_json(self, target: Content | None, inside: dict[str, Content]) -> Content:
        """Return the entries between parameters and requests, with target and those inside."""

    def own_tensors(self) -> Tensors:
        """Return the tensors that are not of a classifier inside."""
        return {}

    @classmethod
    def contents_inside(cls, content: Content) -> dict[str, Content]:
        """Return the contents of the classifiers inside, by the same places."""
        return {}

    @classmethod
    def own_layout(cls, content: Content, found: Layout) -> Layout:
        """Return the layout of `own_tensors`; `found` has all tensors, those inside as well."""
        return {}

    @classmethod
    @abstractmethod
    def read(
        cls, content: Content, tensors: Tensors, common: Common, inside: "list[Saved]"
    ) -> Self:
        """Check the kind's own entries and tensors, and return the saved classifier."""


def target_json(form: TargetForm, outer: TargetForm | None) -> dict[str, Any] | None:
    """Return a target; None for that of the ensemble around the classifier.

    Thousands of names need not be in a file more than once.
    """
    target = {
        "kind": form.kind,
        "classes": None
        if form.kind == "multilabel"
        else encode_array(form.classes, "the array of classes"),
        "names": encode_array(form.names, "the array of label names"),
        "dtype": encode_dtype(form.dtype, "the type of y"),
        "sparse": form.sparse,
    }
    is_outer = outer is not None and dump_json(target) == dump_json(target_json(outer, None))
    return None if is_outer else target


def requests_json(requests: Requests) -> dict[str, Requests]:
    """Return the entry of the metadata requests, if there are any."""
    return {"metadata_requests": requests} if requests else {}


def versions() -> dict[str, str | None]:
    """Return the versions of the packages that a prediction depends on."""
    return {name: _version(name) for name in ("sk-yt8m", "tensorflow", "numpy")}


def read_target(content: dict[str, Any], n_outputs: int, outer: TargetForm | None) -> TargetForm:
    """Return the target of a classifier; `outer` is that of the ensemble around it."""
    value = field(content, "target", dict, *([] if outer is None else [type(None)]))
    form = outer if value is None else _read_form(value, n_outputs)
    assert form is not None
    actual, expected = [(one.kind, len(one.names)) for one in (form, outer or form)]
    if actual != expected:
        raise ModelFileError(
            f"it holds a {actual[0]} classifier of {actual[1]} labels or classes in a "
            f"{expected[0]} ensemble of {expected[1]}"
        )
    if n_outputs != (1 if form.kind == "binary" else len(form.names)):
        raise ModelFileError(
            f"its target is {form.kind!r} of {len(form.names)} names with {n_outputs} outputs"
        )
    return form


def read_requests(content: dict[str, Any]) -> Requests:
    """Return the metadata requests by method."""
    value = content.get("metadata_requests", {})
    if type(value) is not dict:
        raise ModelFileError(f"its metadata requests are not an object, but {shown(value)}")
    check_keys(value, set(ROUTED), "the list of its metadata requests")
    return {
        method: {name: field(asked, name, bool, str) for name in asked}
        for method, asked in ((method, field(value, method, dict)) for method in value)
    }


def _read_form(value: dict[str, Any], n_outputs: int) -> TargetForm:
    kind = field(value, "kind", str)
    if kind not in _KINDS or (kind == "binary" and n_outputs != 1):
        raise ModelFileError(f"its target is {shown(kind)} with {n_outputs} outputs")
    n_names = 2 if kind == "binary" else n_outputs
    if kind == "multilabel":
        field(value, "classes", type(None))
        classes = label_numbers(n_names)
    else:
        classes = decode_array(field(value, "classes", dict), "the array of classes", n_names)
    names = decode_array(field(value, "names", dict), "the array of label names", n_names)
    dtype = decode_dtype(field(value, "dtype", str), "the type of y")
    return TargetForm(kind, classes, names, dtype, field(value, "sparse", bool))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
