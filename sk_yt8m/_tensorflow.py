"""The one door to TensorFlow: settings that it reads only once, devices and precision.

Every module that computes with TensorFlow imports ``tf`` from here, so that the settings are in
place whichever module is imported first.
"""

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sk_yt8m._engines.start_messages import quiet_start
from sk_yt8m._engines.worker_threads import warn_of_idle_cores

_IS_OURS = "tensorflow" not in sys.modules
if _IS_OURS:
    # Several processes can then share a GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    # joblib tells its workers their share of the cores in a variable that TensorFlow ignores.
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal():
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", threads)
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", threads)
        if os.environ["TF_NUM_INTRAOP_THREADS"] == threads:
            warn_of_idle_cores(int(threads))

with quiet_start():
    import tensorflow as tf
    from tensorflow.python.eager.context import context as eager_context  # the way to messages

    tf.config.list_physical_devices("GPU")  # Here CUDA's driver reports, and not in the first fit.

if _IS_OURS:
    # Or float32 products on a GPU would have the ten binary digits of TF32.
    tf.config.experimental.enable_tensor_float_32_execution(False)

__all__ = [
    "cpu_flags",
    "eager_context",
    "empty_variable",
    "free",
    "has_gpu",
    "outside_strategy",
    "refill",
    "resolve_precision",
    "tf",
]

_Made = TypeVar("_Made")
_CPU_FLAGS_WITH_BFLOAT16 = {"amx_bf16", "avx512_bf16"}


def has_gpu() -> bool:
    """Tell whether TensorFlow may use a GPU."""
    return bool(tf.config.get_visible_devices("GPU"))


def outside_strategy(make: Callable[[], _Made]) -> _Made:
    """Call a function that makes variables, outside the scope of a `tf.distribute` strategy.

    In the scope they would be the strategy's, one copy a replica. A scope is left only by going to
    another thread.
    """
    if not tf.distribute.has_strategy():
        return make()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(make).result()


def empty_variable(shape: Iterable[int | None], *, trainable: bool = False) -> Any:
    """Return a variable of float32, zero or empty, that takes arrays of a shape; None is any."""
    shape = list(shape)
    return tf.Variable(tf.zeros([n or 0 for n in shape]), trainable=trainable, shape=shape)


def refill(variables: Iterable[Any]) -> None:
    """Set variables of a fixed shape to zeros after `free`; others take any values without."""
    for variable in variables:
        if variable.shape.is_fully_defined():
            zeros = tf.zeros(variable.shape, variable.dtype)
            tf.raw_ops.AssignVariableOp(resource=variable.handle, value=zeros)


def free(variables: Iterable[Any]) -> None:
    """Free the memory of variables: they are empty until they get other values.

    May be called at any time, also while TensorFlow builds a graph.
    """
    with tf.init_scope():
        for variable in variables:
            nothing = tf.zeros([0] * variable.shape.rank)
            tf.raw_ops.AssignVariableOp(resource=variable.handle, value=nothing)


@cache
def _bfloat16_is_native() -> bool:
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return bool(details.get("compute_capability", (0, 0)) >= (8, 0))
    return not _CPU_FLAGS_WITH_BFLOAT16.isdisjoint(cpu_flags())


@cache
def cpu_flags() -> set[str]:
    """Return the instruction sets that TensorFlow's products use, as Linux names them."""
    cpuinfo = Path("/proc/cpuinfo")
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0" or not cpuinfo.exists():
        return set()
    flags = next((x for x in cpuinfo.read_text().splitlines() if x.startswith("flags")), "")
    return set(flags.split())


def resolve_precision(precision: str) -> str:
    """Return the number format of matrix products, ``"float32"`` or ``"bfloat16"``.

    ``"auto"`` is bfloat16 where the device multiplies it natively: on GPUs of compute
    capability 8.0 and later and on processors with AMX or AVX512_BF16.
    """
    if precision == "auto":
        return "bfloat16" if _bfloat16_is_native() else "float32"
    return precision
