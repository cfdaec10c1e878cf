"""`sk_yt8m.show_versions`: what a report of a fault should tell of the machine."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    *("sk-yt8m", "scikit-learn", "tensorflow", "keras", "numpy", "scipy", "pandas", "joblib"),
    *("protobuf", "pyarrow", "polars", "matplotlib", "dask", "ray", "skops", "mlflow-skinny"),
)
#: Instruction sets by which TensorFlow chooses its matrix products.
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def show_versions() -> None:
    """Print the versions of Python and of the packages, and what TensorFlow computes on.

    For reports of faults. The first call imports TensorFlow.

    See Also
    --------
    sklearn.show_versions : The same for scikit-learn, with its libraries of threads.

    Examples
    --------
    >>> import sk_yt8m
    >>> sk_yt8m.show_versions()
    <BLANKLINE>
    System:
        python: ...
    """
    sections = {
        "System": {
            "python": sys.version.replace("\n", " "),
            "executable": sys.executable,
            "machine": platform.platform(),
        },
        "Python packages": {name: _version(name) for name in _PACKAGES},
        "TensorFlow": _devices(),
    }
    for title, rows in sections.items():
        print(f"\n{title}:")
        for name, value in rows.items():
            print(f"{name:>25}: {value}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> dict[str, str]:
    from sk_yt8m._tensorflow import cpu_flags, resolve_precision, tf

    threads = tf.config.threading
    gpus = [gpu.name for gpu in tf.config.list_physical_devices("GPU")]
    return {
        "GPUs": ", ".join(gpus) or "none",
        "cores": str(os.cpu_count()),
        "threads": f"{threads.get_intra_op_parallelism_threads()} in an operation, "
        f"{threads.get_inter_op_parallelism_threads()} operations at a time (0: as many as cores)",
        "instruction sets": ", ".join(flag for flag in _FLAGS if flag in cpu_flags()) or "others",
        'precision="auto"': resolve_precision("auto"),
    }
