"""Fixtures that every part of the test suite shares."""

from pathlib import Path

import pytest

COURSE = Path(__file__).resolve().parents[2] / "shared" / "course"


@pytest.fixture(scope="session")
def course_dir() -> Path:
    """Return the folder of the real course data, or skip where it is not at hand."""
    if not COURSE.is_dir():
        pytest.skip("the real course data is not beside the repository")
    return COURSE
