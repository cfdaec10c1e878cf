"""Public docstrings: in numpydoc form, with examples that run."""

import doctest
import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from sk_yt8m._sklearn import CallbackSupportMixin

MODULES = (
    *("sk_yt8m", "sk_yt8m.metrics", "sk_yt8m.datasets"),
    *("sk_yt8m.persistence", "sk_yt8m.distributed"),
)

#: Checks of numpydoc that are not asked for, and why; all others are.
NOT_ASKED = {
    "ES01": "a summary that says everything needs no second paragraph",
    "EX01": "that there is an example, and that it runs, is tested below",
}
NOT_ASKED_OF_METHODS = {"SA01": "the other methods stand on the same page"}
#: Checks that one object cannot pass.
EXCEPTIONS = {
    ("sk_yt8m.datasets.Store", "PR01"): "made by open_store; its fields are attributes",
    ("sk_yt8m.metrics.EvaluationReport", "PR01"): "made by evaluation_report; in the same way",
}

_ATTRIBUTE = "an attribute, which needs no example"
_NETWORK = "needs the network, so its example is skipped"
#: What has no example that runs, and why: full names, or names of a method in any class.
WITHOUT_EXAMPLE = {
    "sk_yt8m.SparseIndicator.dtype": _ATTRIBUTE,
    "sk_yt8m.SparseIndicator.ndim": _ATTRIBUTE,
    "sk_yt8m.SparseIndicator.shape": _ATTRIBUTE,
    "sk_yt8m.datasets.StoreError": "an error; the example of Store.verify raises it",
    "sk_yt8m.datasets.fetch_course": _NETWORK,
    "sk_yt8m.datasets.fetch_tfrecords": _NETWORK,
    "sk_yt8m.datasets.fetch_vocabulary": _NETWORK,
    "sk_yt8m.distributed.WorkerError": "an error of processes that train together",
    "sk_yt8m.distributed.multi_worker_strategy": "needs several processes",
    "feature_names_in_": _ATTRIBUTE,
    "get_metadata_routing": "called by scikit-learn",
    "n_features_in_": _ATTRIBUTE,
    "predict_log_proba": "the logarithm of predict_proba, which has one",
}


class Documented(NamedTuple):
    """A public object: its name, and where the doctests of its docstring are found."""

    name: str
    module: str
    place: str
    is_method: bool
    doc: str


def public_objects() -> Iterator[Documented]:
    """Yield public classes and functions, and what the package itself defines in the classes."""
    for module in MODULES:
        for short in import_module(module).__all__:
            thing, name = getattr(import_module(module), short), f"{module}.{short}"
            # Scorers such as gap_scorer are documented by what makes them.
            if inspect.isclass(thing) or inspect.isfunction(thing):
                doc = inspect.getdoc(thing) or ""
                yield Documented(name, thing.__module__, thing.__qualname__, False, doc)
            if inspect.isclass(thing):
                yield from members_of(thing, name)


def members_of(cls: type, name: str) -> Iterator[Documented]:
    kinds = (classmethod, staticmethod, property)
    for short in dir(cls):
        owner = next((one for one in cls.__mro__ if short in vars(one)), object)
        value: Any = vars(owner).get(short)
        # With old versions of scikit-learn this class only stands in for theirs.
        own = owner.__module__.startswith("sk_yt8m.") and owner is not CallbackSupportMixin
        if (
            own
            and not short.startswith("_")
            and (inspect.isfunction(value) or type(value) in kinds)
        ):
            place, doc = f"{owner.__qualname__}.{short}", inspect.getdoc(value) or ""
            yield Documented(f"{name}.{short}", owner.__module__, place, True, doc)


OBJECTS = list(public_objects())
each_object = pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one.name)


@cache
def examples_in(module: str) -> dict[str, list[str]]:
    """Return the lines that pytest runs in the docstrings of a module, but imports."""
    found = doctest.DocTestFinder().find(import_module(module), module)
    return {
        test.name.removeprefix(f"{module}."): [
            example.source
            for example in test.examples
            if not example.options.get(doctest.SKIP)
            and not example.source.startswith(("from ", "import "))
        ]
        for test in found
    }


def has_reason(one: Documented) -> bool:
    return bool({one.name, one.name.rpartition(".")[2]} & WITHOUT_EXAMPLE.keys())


def test_the_tests_see_the_package():
    names = {one.name for one in OBJECTS}
    inherited = {
        f"sk_yt8m.{cls}.{method}"
        for cls in ("DeepMultiLabelClassifier", "AveragingClassifier", "DeepNeighborsClassifier")
        for method in ("fit", "predict_top_k", "save", "score")
    }
    assert names >= inherited | {"sk_yt8m.datasets.Store.split", "sk_yt8m.load"}
    assert not any(name.endswith(("set_fit_request", "set_output")) for name in names)
    known = names | {one.name.rpartition(".")[2] for one in OBJECTS}
    assert known >= WITHOUT_EXAMPLE.keys() | {name for name, _ in EXCEPTIONS}


@each_object
def test_numpydoc_form(one):
    validate = pytest.importorskip("numpydoc.validate").validate
    not_asked = {**NOT_ASKED, **(NOT_ASKED_OF_METHODS if one.is_method else {})}
    errors = [error for error in validate(one.name)["errors"] if error[0] not in not_asked]
    assert [error for error in errors if (one.name, error[0]) not in EXCEPTIONS] == []
    excepted = {code for name, code in EXCEPTIONS if name == one.name}
    assert excepted <= {code for code, _ in errors}


@each_object
def test_an_example_runs(one):
    runs = bool(examples_in(one.module).get(one.place))
    assert runs != has_reason(one)


@each_object
def test_pages_are_cited_by_their_labels(one):
    """The site resolves ``:ref:`User Guide <metrics>```; a path leads nowhere."""
    assert "docs/" not in one.doc
