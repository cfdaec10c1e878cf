"""Fixtures that every part of the test suite shares."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
