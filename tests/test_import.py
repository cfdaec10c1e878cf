"""Importing the package is quick: heavy libraries come in when they are used."""

import subprocess
import sys
from functools import cache

import pytest

HEAVY = {"tensorflow", "keras", "pandas", "matplotlib", "requests", "pyarrow"}


@cache
def loaded_by(statement: str) -> frozenset[str]:
    """Return the modules that a fresh process has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    return frozenset(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    )


def test_the_package_itself_is_light():
    loaded = loaded_by("import sk_yt8m; dir(sk_yt8m)")
    assert "sk_yt8m" in loaded
    assert not (HEAVY | {"sklearn", "scipy"}) & loaded


@pytest.mark.parametrize(
    "statement",
    [
        "import sk_yt8m.metrics",
        "import sk_yt8m.datasets",
        "from sk_yt8m import DeepMultiLabelClassifier; DeepMultiLabelClassifier(max_iter=3)",
        "from sk_yt8m import *",
    ],
)
def test_its_parts_load_nothing_heavy_beyond_scikit_learn(statement):
    # scikit-learn 1.9 imports pandas where it is installed.
    assert not (HEAVY - loaded_by("import sklearn.metrics")) & loaded_by(statement)


def test_contents_page():
    import sk_yt8m

    for name in sk_yt8m.__all__:
        assert getattr(sk_yt8m, name) is not None
        assert name in dir(sk_yt8m)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sk_yt8m.nothing
