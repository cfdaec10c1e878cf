"""Peak memory of a piece of code, from Linux' own account of the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Memory:
    """Resident memory in MB before the code, and at its peak."""

    before: float = 0.0
    peak: float = 0.0

    @property
    def added(self) -> float:
        """What the code needed on top."""
        return self.peak - self.before


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(field)) / 1024


@contextmanager
def measured() -> Iterator[Memory]:
    """Measure the resident memory that the body of a ``with`` statement adds at its peak."""
    Path("/proc/self/clear_refs").write_text("5")
    memory = Memory(before=_status("VmRSS"))
    yield memory
    memory.peak = _status("VmHWM")
