"""What TensorFlow writes to stderr while it starts, without the lines that report no fault."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
#: Lines of a machine without CUDA's driver, whose absence is error 303, and of TensorFlow's build.
HARMLESS = "|".join(
    [
        r"^WARNING: All log messages before absl::InitializeLog\(\) is called",
        r"\bcudart_stub\.cc:\d+\] Could not find cuda drivers",
        r"\bcuda_platform\.cc:\d+\] failed call to cuInit: .*UNKNOWN ERROR \(303\)",
        r"\bUnable to register cu\w+ factory: .* has already been registered",
        r"\bcomputation placer already registered\.",
    ]
)
_FILTER = """
import re, sys
harmless = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not harmless.search(line):
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
"""


@contextmanager
def quiet_start() -> Iterator[None]:
    """Drop known lines from what TensorFlow writes to stderr, unless the user set its log level.

    All other lines pass at once, through a process of its own: the last words of a crash pass too.
    Where no such process can be started, all lines pass.
    """
    if _LOG_LEVEL in os.environ:
        yield
        return
    with ExitStack() as stack:
        os.environ[_LOG_LEVEL] = "2"  # errors
        # Workers then see that it was not the user who set it.
        stack.callback(os.environ.pop, _LOG_LEVEL, None)
        with suppress(OSError):
            _filter_stderr(stack)
        yield


def _filter_stderr(stack: ExitStack) -> None:
    if not Path(sys.executable or "").name.lower().startswith("python"):
        return  # A program that embeds Python would start itself.
    stderr = os.dup(2)
    stack.callback(os.close, stderr)
    command = [sys.executable, "-I", "-S", "-c", _FILTER, HARMLESS]
    # In a session of its own, Ctrl-C does not end it.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdin is not None
    with process.stdin as pipe:
        _redirect_stderr(pipe.fileno())
    stack.callback(_wait_briefly, process)
    stack.callback(_redirect_stderr, stderr)


def _redirect_stderr(descriptor: int) -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
    os.dup2(descriptor, 2)


def _wait_briefly(process: subprocess.Popen[bytes]) -> None:
    """Wait until the last line has passed; a program started meanwhile may hold stderr longer."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
