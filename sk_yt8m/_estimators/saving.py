"""Unfitted estimators as plain values, and `save` of those that are composed of others."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import check_keys, field, shown
from sk_yt8m._files.values import decode, encode
from sk_yt8m._inputs.types import PathLike
from sk_yt8m._version import DOCUMENTATION
from sk_yt8m.persistence._common_contents import (
    ROUTED,
    Requests,
    Saved,
    read_requests,
    requests_json,
)
from sk_yt8m.persistence._ensemble_kinds import widths_json, widths_of

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator as _Base
else:
    _Base = object

Estimator = TypeVar("Estimator", bound=BaseEstimator)
#: Classes that a model file may hold, by name.
Classes = Mapping[str, type[BaseEstimator]]

#: The classes, and the modules that they are in.
_MODULES = {
    "DeepMultiLabelClassifier": "sk_yt8m.classifier",
    "DeepNeighborsClassifier": "sk_yt8m.neighbors",
    "NormalizedModalitiesClassifier": "sk_yt8m.presets.normalized",
    "AveragingClassifier": "sk_yt8m.ensemble",
}
#: Paths on one machine. They are not saved: a file from elsewhere must not choose where `fit`
#: writes.
_PATHS = frozenset({"checkpoint_dir"})


class SavedComposition(_Base):
    """`save` of a classifier that is composed of others."""

    def save(self, path: PathLike) -> None:
        """Write the fitted classifier to one file that is safe to open.

        The file is as `DeepMultiLabelClassifier.save` describes it, and holds the fitted
        classifiers inside without the state of their training. `sk_yt8m.load` reads it.

        Read more in the :ref:`User Guide <saving>`.

        Parameters
        ----------
        path : str or path
            The file; ``.safetensors`` is the usual extension. Of a symbolic link, the file that it
            points to is replaced.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If a parameter was set to a value that `fit` would refuse.
        ModelFileError
            A ValueError: if a classifier inside, fitted or as a parameter, is not one of this
            package; ``skops.io.dump`` saves those of scikit-learn. Or if a parameter or name is
            not a number, string or other plain value, or a weight is not finite.
        OSError
            If the file cannot be written.

        See Also
        --------
        sk_yt8m.load : Read the file.
        sk_yt8m.persistence.trusted_types : For skops, which saves pipelines as well.

        Examples
        --------
        >>> import tempfile
        >>> from sk_yt8m import DeepMultiLabelClassifier, DeepNeighborsClassifier, load
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> network = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0)
        >>> clf = DeepNeighborsClassifier(network, n_neighbors=10).fit(X, Y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     clf.save(f"{folder}/videos.safetensors")
        ...     again = load(f"{folder}/videos.safetensors")
        >>> bool((again.predict_proba(X) == clf.predict_proba(X)).all())
        True
        """
        from sk_yt8m.persistence._model_file import write_model

        check_is_fitted(self)
        write_model(path, saved_of(self))

    def _to_saved(self) -> Saved:
        """Return the fitted classifier as plain values."""
        raise NotImplementedError


def saved_of(estimator: Any, what: str = "the classifier") -> Any:
    """Return a fitted classifier of this package as plain values; `what` names it in errors."""
    check_class(estimator, what)
    return estimator._to_saved()


def check_class(estimator: Any, what: str) -> None:
    """Raise a ModelFileError if an estimator, which `what` names, is of another class."""
    cls = type(estimator)
    if _MODULES.get(cls.__qualname__) != cls.__module__:
        raise ModelFileError(
            f"{what} is not a {' or '.join(_MODULES)}, whose parameters are known when a model "
            f"file is read, but a {cls.__name__}: use skops.io.dump to save other estimators "
            f"({DOCUMENTATION}/guide/saving.html)"
        )


def parameters_of(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the parameters in JSON form, and raise an error if `fit` would refuse one."""
    parameters = _parameters(estimator)
    # `load` refuses values that `set_params` may have set since.
    estimator._validate_params()
    return parameters


def requests_of(estimator: BaseEstimator) -> Requests:
    """Return the metadata requests that `set_fit_request` and its like have set."""
    routing = estimator._get_metadata_request()
    requests = {}
    for method in ROUTED:
        asked = {
            name: request if isinstance(request, str) else bool(request)
            for name, request in getattr(routing, method).requests.items()
            if request is not None
        }
        if asked:
            requests[method] = asked
    return requests


def unfitted(
    cls: type[Estimator], parameters: dict[str, Any], requests: Requests, classes: Classes
) -> Estimator:
    """Build an unfitted estimator, and raise a ModelFileError if a value is impossible."""
    check_keys(parameters, set(cls._get_param_names()) - _PATHS, "the list of its parameters")

    def decode_estimator(value: dict[str, Any], what: str) -> Any:
        if value.keys() == {"widths"}:
            return widths_of(value["widths"], what)
        if value.keys() != {"unfitted"}:
            return None
        content = field(value, "unfitted", dict)
        known = {"estimator", "parameters", "metadata_requests"}
        check_keys(content, known, f"the estimator in {what}")
        name = field(content, "estimator", str)
        if name not in classes:
            raise ModelFileError(f"{what} holds another estimator, {shown(name)}")
        inner = field(content, "parameters", dict)
        return unfitted(classes[name], inner, read_requests(content), classes)

    values = {
        name: decode(value, f"the parameter {name}", decode_estimator)
        for name, value in parameters.items()
    }
    try:
        estimator = cls(**values)
        estimator._validate_params()
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"it holds an impossible parameter: {error}") from error
    _set_requests(estimator, requests)
    return estimator


def _parameters(estimator: BaseEstimator) -> dict[str, Any]:
    return {
        name: encode(value, f"the parameter {name}", _encode_estimator)
        for name, value in estimator.get_params(deep=False).items()
        if name not in _PATHS
    }


def _encode_estimator(value: Any, what: str) -> Any:
    if isinstance(value, dict):
        return {"widths": widths_json(value, what)}
    if not isinstance(value, BaseEstimator):
        return None
    check_class(value, f"an estimator in {what}")
    content = {"estimator": type(value).__name__, "parameters": _parameters(value)}
    return {"unfitted": {**content, **requests_json(requests_of(value))}}


def _set_requests(estimator: BaseEstimator, requests: Requests) -> None:
    try:
        with config_context(enable_metadata_routing=True):
            for method, asked in requests.items():
                getattr(estimator, f"set_{method}_request")(**asked)
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelFileError(f"it holds an impossible metadata request: {error}") from error
