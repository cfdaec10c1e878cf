"""Callables for scikit-learn's ``scoring``: one metric, or several of one prediction."""

import warnings
from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

from sklearn import get_config
from sklearn.utils.metadata_routing import (
    MetadataRequest,
    MetadataRouter,
    MethodMapping,
    process_routing,
)

from sk_yt8m._sklearn import BaseScorer
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._inputs.dense_scores import DenseScores
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true
from sk_yt8m.metrics._scoring.registry import Need, width_of
from sk_yt8m.metrics._scoring.responses import all_scores, best_labels, check_names, indicator_of

# 20 labels cost no more than one, and every usual k then needs the same compiled prediction.
_LEAST_WIDTH = 20
_RESPONSE_METHODS = ["predict_top_k", "predict_proba", "decision_function", "predict"]


class TopKScorer(BaseScorer):
    """Callable ``scorer(estimator, X, y_true)``, made by `make_top_k_scorer` or `get_scorer`."""

    def __init__(
        self,
        score_func: Callable[..., float],
        sign: int,
        kwargs: dict[str, Any],
        need: Need,
        name: str | None,
    ) -> None:
        super().__init__(score_func, sign, kwargs, _RESPONSE_METHODS)
        self.need = need
        self._name = name
        # All arguments but y_true and y_score may be metadata.
        parameters = list(signature(score_func).parameters.values())[2:]
        named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        self._requests: dict[str, Any] = {p.name: None for p in parameters if p.kind in named}

    def __repr__(self) -> str:
        if self._name is not None:
            return self._name
        options = "".join(f", {key}={value!r}" for key, value in self._kwargs.items())
        sign = "" if self._sign > 0 else ", greater_is_better=False"
        return f"make_top_k_scorer({self._score_func.__name__}, k={self.need}{sign}{options})"

    def __call__(
        self, estimator: Any, X: Any, y_true: Any, sample_weight: Any = None, **metadata: Any
    ) -> float:
        """Return the metric of a fitted classifier's predictions."""
        if sample_weight is not None:
            metadata["sample_weight"] = sample_weight
        return _evaluate(estimator, X, y_true, {"score": (self, metadata)})["score"]

    def set_score_request(self, **requests: bool | str | None) -> "TopKScorer":
        """Request metadata, such as ``sample_weight=True``, for scikit-learn's metadata routing."""
        self._requests = {**self._requests, **requests}
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Return the requested metadata; scikit-learn's metadata routing calls this."""
        request = MetadataRequest(owner=repr(self))
        for parameter, alias in self._requests.items():
            request.score.add_request(param=parameter, alias=alias)
        return request

    def _score(self, _: Any, estimator: Any, X: Any, y_true: Any, **metadata: Any) -> float:
        # scikit-learn's way of several scorers, which share what they predict in the same way.
        return self(estimator, X, y_true, **metadata)

    def _accept_sample_weight(self) -> bool:
        # Without metadata routing, searches ask this of every scorer in a dict.
        return "sample_weight" in self._requests

    def options(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of the metric besides the true labels and the scores."""
        if overlap := sorted(self._kwargs.keys() & metadata.keys()):
            message = f"metadata replaces the arguments {overlap} of {self!r}."
            warnings.warn(message, UserWarning, stacklevel=4)
        options = {**self._kwargs, **metadata}
        if isinstance(self.need, int) and "k" in self._requests:
            options.setdefault("k", self.need)
        return options

    def value(self, y_true: Any, y_score: Any, options: Mapping[str, Any]) -> float:
        """Return the metric, negated if lower is better."""
        return self._sign * self._score_func(y_true, y_score, **options)


class MultimetricScorer:
    """Callable ``scorer(estimator, X, y_true) -> dict``, made by `make_multimetric_scorer`."""

    def __init__(self, scorers: dict[str, TopKScorer]) -> None:
        self._scorers = scorers

    def __repr__(self) -> str:
        return f"make_multimetric_scorer({self._scorers!r})"

    def __call__(
        self, estimator: Any, X: Any, y_true: Any, sample_weight: Any = None, **metadata: Any
    ) -> dict[str, float]:
        """Return each metric of one prediction of a fitted classifier, by its name."""
        if sample_weight is not None:
            metadata["sample_weight"] = sample_weight
        routed: Any = {name: {"score": metadata} for name in self._scorers}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "score", **metadata)
        calls = {name: (scorer, routed[name]["score"]) for name, scorer in self._scorers.items()}
        return _evaluate(estimator, X, y_true, calls)

    def set_score_request(self, **requests: bool | str | None) -> "MultimetricScorer":
        """Request metadata for all metrics, as `TopKScorer.set_score_request` does for one."""
        for scorer in self._scorers.values():
            scorer.set_score_request(**requests)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata that each metric requests."""
        mapping = MethodMapping().add(caller="score", callee="score")
        return MetadataRouter(owner=repr(self)).add(method_mapping=mapping, **self._scorers)


def _evaluate(
    estimator: Any,
    X: Any,
    y_true: Any,
    calls: Mapping[str, tuple[TopKScorer, Mapping[str, Any]]],
) -> dict[str, float]:
    """Predict once and return the value of each scorer, called with its metadata, by name."""
    y_true = indicator_of(y_true, estimator)
    options = {name: scorer.options(metadata) for name, (scorer, metadata) in calls.items()}
    needs: dict[str, Need] = {}
    for name, (scorer, _) in calls.items():
        rated = options[name].get("rated")
        check_names(rated, "rated", estimator)
        # The rated labels of a sample may have any rank.
        needs[name] = scorer.need if rated is None else "all"
    predictions = _predict(estimator, X, check_y_true(y_true), set(needs.values()))
    return {
        name: scorer.value(y_true, predictions[needs[name]], options[name])
        for name, (scorer, _) in calls.items()
    }


def _predict(estimator: Any, X: Any, labels: TrueLabels, needs: set[Need]) -> dict[Need, Any]:
    """Return the scores of all labels, or as many of the best as needed, for each need."""
    widths = {need: width_of(need, labels) for need in needs if need != "all"}
    width = min(max([_LEAST_WIDTH, *widths.values()]), labels.n_labels)
    predictions: dict[Need, Any] = {}
    top: Any
    if "all" in needs:
        predictions["all"] = top = all_scores(estimator, X, n_labels=labels.n_labels)
        if widths and not isinstance(top, TopK):
            top = DenseScores(top).top_k(width)
    else:
        top = best_labels(estimator, X, k=width, n_labels=labels.n_labels)
    for need, k in widths.items():
        predictions[need] = TopK(top.indices[:, :k], top.scores[:, :k])
    return predictions
