"""The types in public signatures say what an argument may be."""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Self, get_args, get_origin

import pytest

from sk_yt8m._sklearn import StrOptions

ROOT = "sk_yt8m"
MODULES = [ROOT, *(f"{ROOT}.{n}" for n in ("metrics", "datasets", "persistence", "distributed"))]

#: Parameters that may be anything, and why.
ANYTHING = {
    "estimator": "scikit-learn has no types, and its estimators are known by their methods",
    "scoring": "the overloads of `get_scorer` have the types",
    "**fit_params": "the estimators in a composition have them",
    "**kwargs": "Matplotlib or the metric has them",
    "**options": "the metric has them",
    "**parameters": "`DeepMultiLabelClassifier` has them",
    "**params": "the estimators in a composition have them",
}


def public_objects() -> Iterator[Any]:
    for name in MODULES:
        module = importlib.import_module(name)
        yield from (getattr(module, one) for one in module.__all__)


def public_functions() -> Iterator[Callable[..., Any]]:
    """Yield the functions, and of classes the methods that the package has written."""
    for one in public_objects():
        if inspect.isclass(one):
            names = [n for n in dir(one) if not n.startswith("_") or n == "__init__"]
            found = [inspect.getattr_static(one, n) for n in names]
            members = [m.__func__ if isinstance(m, classmethod) else m for m in found]
        else:
            members = [one]
        for member in members:
            if inspect.isfunction(member) and member.__module__.startswith(ROOT):
                yield member


FUNCTIONS = {f"{f.__module__}.{f.__qualname__}": f for f in public_functions()}


def options_of(constraints: list[Any]) -> set[str]:
    return {text for one in constraints if isinstance(one, StrOptions) for text in one.options}


def literals_of(annotation: Any) -> set[str]:
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return set().union(*map(literals_of, get_args(annotation)))


def checked_texts() -> dict[str, tuple[set[str], set[str]]]:
    """Return the texts that each parameter takes by its check, and by its type."""
    constraints: dict[Callable[..., Any], Mapping[str, Any]] = {}
    for one in public_objects():
        if hasattr(one, "_parameter_constraints"):
            constraints[one.__init__] = one._parameter_constraints
        elif hasattr(one, "_skl_parameter_constraints"):
            constraints[one] = one._skl_parameter_constraints
    return {
        f"{function.__qualname__} {name}": (
            options_of(checks),
            literals_of(inspect.signature(function).parameters[name].annotation),
        )
        for function, parameters in constraints.items()
        for name, checks in parameters.items()
        if isinstance(checks, list) and options_of(checks)
    }


def test_few_parameters_may_be_anything():
    stars = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
    found: dict[str, list[str]] = {}
    for function, one in FUNCTIONS.items():
        for parameter in inspect.signature(one).parameters.values():
            if parameter.annotation in (Any, "Any"):
                name = stars.get(parameter.kind, "") + parameter.name
                found.setdefault(name, []).append(function)
    assert {name: found[name] for name in found.keys() - ANYTHING} == {}
    assert ANYTHING.keys() - found == set()


@pytest.mark.parametrize("name", ["fit", "partial_fit", "set_params"])
def test_methods_that_return_the_estimator_say_so(name):
    found = {key: one for key, one in FUNCTIONS.items() if key.endswith(f".{name}")}
    assert found
    assert {key: inspect.signature(one).return_annotation for key, one in found.items()} == (
        dict.fromkeys(found, Self)
    )


def test_literals_are_the_texts_that_the_checks_let_pass():
    texts = checked_texts()
    assert {"DeepMultiLabelClassifier.__init__ activation", "load_csv on_error"} <= texts.keys()
    assert {name: pair for name, pair in texts.items() if pair[0] != pair[1]} == {}
