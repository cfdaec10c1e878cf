"""What a first fit writes to stderr: nothing of TensorFlow's own, and all that tells of a fault."""

import os
import subprocess
import sys

import pytest

FIT = """
import numpy as np
from sk_yt8m import DeepMultiLabelClassifier
X = np.random.default_rng(0).random((60, 5))
Y = (X[:, :4] > 0.5).astype(int)
clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
clf.predict(X)
clf.predict_top_k(X, 2)
"""
WORKERS = """
from sklearn.model_selection import KFold, cross_val_score
print(cross_val_score(clf, X, Y, cv=KFold(2), n_jobs=2, error_score="raise"))
"""
QUIET = "from sk_yt8m._engines.start_messages import quiet_start\nimport os, sys, warnings\n"


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    if not variables:
        environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def tensorflow_tells_when_it_compiles() -> bool:
    """Tell whether this TensorFlow ignores its log level for lines of the first compilation."""
    import tensorflow as tf

    return tuple(map(int, tf.__version__.split(".")[:2])) < (2, 21)


@pytest.fixture(scope="module")
def first_fit():
    if tensorflow_tells_when_it_compiles():
        pytest.skip("TensorFlow before 2.21 reports its first compilation at any log level")
    return run(FIT + WORKERS)


def test_fit_and_predict_write_nothing(first_fit):
    assert first_fit.stderr == ""
    assert first_fit.returncode == 0
    assert "[" in first_fit.stdout


def test_the_users_log_level_is_kept():
    code = "import sk_yt8m._tensorflow, os\nprint(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    found = run(code, TF_CPP_MIN_LOG_LEVEL="0")
    assert found.stdout == "0\n"
    assert "cpu_feature_guard" in found.stderr


def test_an_import_before_is_no_obstacle():
    """The driver's error is dropped, and what TensorFlow wrote for the user's own import is not."""
    code = "import tensorflow, sys\nprint('imported', file=sys.stderr, flush=True)\n"
    found = run(code + "import sk_yt8m._tensorflow")
    assert found.returncode == 0
    assert found.stderr.split("imported\n")[1] == ""


def test_other_lines_pass_in_their_order():
    harmless = "I0000 1 cudart_stub.cc:31] Could not find cuda drivers on your machine"
    code = f"""
with quiet_start():
    os.write(2, b"one\\n{harmless}\\n")
    warnings.warn("two")
    print("three", file=sys.stderr)
    os.write(2, b"four without an end")
print(" five", file=sys.stderr)
raise ValueError("six")
"""
    lines = run(QUIET + code).stderr.splitlines()
    assert lines[0] == "one"
    assert lines[1].endswith("UserWarning: two")
    assert "three" in lines
    assert "four without an end five" in lines
    assert lines[-1] == "ValueError: six"
    assert harmless not in "\n".join(lines)


def test_the_drivers_other_errors_pass():
    error = "E0000 1 cuda_platform.cc:52] failed call to cuInit: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
    found = run(QUIET + f"with quiet_start(): os.write(2, b'{error}\\n')")
    assert found.stderr == error + "\n"


def test_the_last_words_of_a_crash_pass():
    found = run(
        QUIET + "with quiet_start():\n    os.write(2, b'compiled for AVX\\n')\n    os.abort()"
    )
    assert found.returncode != 0
    assert "compiled for AVX" in found.stderr


@pytest.mark.parametrize(
    "obstacle",
    [
        "os.close(2); sys.stderr = None",
        "sys.executable = '/usr/sbin/uwsgi'",
        "sys.executable = None",
    ],
)
def test_it_does_without_a_stderr_or_an_interpreter(obstacle):
    told = "print('TF_CPP_MIN_LOG_LEVEL' in os.environ)"
    found = run(f"{QUIET}{obstacle}\nwith quiet_start(): {told}\n{told}")
    assert (found.returncode, found.stdout) == (0, "True\nFalse\n")
