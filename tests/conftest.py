"""Fixtures that every part of the test suite shares."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from small_problem import X, Y, learner, small

from sk_yt8m import DeepMultiLabelClassifier

# A busy machine makes single cases slow, which is no failure. Where a change is judged, the same
# change gets the same cases.
settings.register_profile("sk_yt8m", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("sk_yt8m")

COURSE = Path(__file__).resolve().parents[2] / "shared" / "course"


@pytest.fixture(scope="session")
def course_dir() -> Path:
    """Return the folder of the real course data, or skip where it is not at hand."""
    if not COURSE.is_dir():
        pytest.skip("the real course data is not beside the repository")
    return COURSE


@pytest.fixture(scope="session")
def fitted() -> DeepMultiLabelClassifier:
    """Return a classifier after `fit`; no test may change it."""
    return small().fit(X, Y)


@pytest.fixture(scope="session")
def trained() -> DeepMultiLabelClassifier:
    """Return a classifier after two calls of `partial_fit`; no test may change it."""
    return small().partial_fit(X, Y).partial_fit(X, Y)


@pytest.fixture(scope="session")
def learnable() -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels, each label being the sign of a direction, most of them rare."""
    n, n_features, n_labels = 400, 12, 30
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n, n_features)).astype(np.float32)
    directions = rng.normal(size=(n_features, n_labels)) / np.sqrt(n_features)
    return features, (features @ directions > np.linspace(0.3, 2.2, n_labels)).astype(np.uint8)


@pytest.fixture(scope="session")
def learned(learnable: tuple[np.ndarray, np.ndarray]) -> DeepMultiLabelClassifier:
    """Return a classifier that has learned the labels of `learnable`; no test may change it."""
    return learner().fit(*learnable)
