"""What a notebook shows of an estimator, and `show_versions`."""

import tomllib
from pathlib import Path

import pytest
import sklearn
from sklearn.utils.fixes import parse_version
from small_problem import small

import sk_yt8m
from sk_yt8m import (
    AveragingClassifier,
    DeepNeighborsClassifier,
    ModalityNormalizer,
    NormalizedModalitiesClassifier,
)
from sk_yt8m._version import DOCUMENTATION

ESTIMATORS = [
    small(),
    DeepNeighborsClassifier(),
    AveragingClassifier([("part", "drop")]),
    NormalizedModalitiesClassifier("none"),
    ModalityNormalizer(),
]
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_the_name_links_to_the_page(estimator):
    name = type(estimator).__name__
    assert f'href="{DOCUMENTATION}/api/sk_yt8m.{name}.html' in estimator._repr_html_()
    assert name in sk_yt8m.__all__


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"), reason="tooltips are of 1.8"
)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_every_parameter_has_a_tooltip(estimator):
    html = estimator._repr_html_()
    assert html.count('class="param-doc-description"') == len(estimator.get_params(deep=False))


def test_the_documentation_is_that_of_the_package():
    urls = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["urls"]
    assert urls["Documentation"] == DOCUMENTATION


def test_show_versions(capsys):
    sk_yt8m.show_versions()
    shown = capsys.readouterr().out
    assert f"sk-yt8m: {sk_yt8m.__version__}\n" in shown
    assert f"scikit-learn: {sklearn.__version__}\n" in shown
    assert "GPUs: " in shown
    assert 'precision="auto": ' in shown
