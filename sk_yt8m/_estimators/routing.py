"""Metadata routing: which arguments of `fit` the parts of an ensemble get."""

from collections.abc import Mapping
from typing import Any

from sklearn import get_config
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing


def is_enabled() -> bool:
    """Tell whether `sklearn.set_config(enable_metadata_routing=True)` is in effect."""
    return bool(get_config()["enable_metadata_routing"])


def router_of(ensemble: Any, parts: Mapping[str, Any]) -> MetadataRouter:
    """Return what an ensemble asks for itself, and that `fit` calls `fit` of the parts."""
    router = MetadataRouter(owner=ensemble).add_self_request(ensemble)
    mapping = MethodMapping().add(caller="fit", callee="fit")
    for name, part in parts.items():
        router.add(method_mapping=mapping, **{name: part})
    return router


def fit_params_of(
    ensemble: Any, parts: Mapping[str, Any], fit_params: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the arguments for each part's `fit`: those that it requests.

    Without metadata routing every part gets all of them.
    """
    if not is_enabled():
        return dict.fromkeys(parts, fit_params)
    routed = process_routing(ensemble, "fit", **fit_params)
    return {name: dict(routed[name]["fit"]) for name in parts}
