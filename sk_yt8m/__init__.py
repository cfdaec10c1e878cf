"""Deep multilabel classification for thousands of labels, the scikit-learn way."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sk_yt8m._version import __version__

if TYPE_CHECKING:
    from sk_yt8m import datasets, metrics, persistence
    from sk_yt8m._inputs.sparse_indicator import SparseIndicator
    from sk_yt8m._loading import load
    from sk_yt8m._onnx import register_onnx_converters
    from sk_yt8m._show_versions import show_versions
    from sk_yt8m._top_k import TopK
    from sk_yt8m.batch_prediction import predict_to_parquet
    from sk_yt8m.classifier import DeepMultiLabelClassifier
    from sk_yt8m.ensemble import AveragingClassifier
    from sk_yt8m.neighbors import DeepNeighborsClassifier
    from sk_yt8m.presets.make import make_classifier
    from sk_yt8m.presets.modalities import ModalityNormalizer
    from sk_yt8m.presets.normalized import NormalizedModalitiesClassifier

__all__ = [
    "AveragingClassifier",
    "DeepMultiLabelClassifier",
    "DeepNeighborsClassifier",
    "ModalityNormalizer",
    "NormalizedModalitiesClassifier",
    "SparseIndicator",
    "TopK",
    "__version__",
    "datasets",
    "load",
    "make_classifier",
    "metrics",
    "persistence",
    "predict_to_parquet",
    "register_onnx_converters",
    "show_versions",
]

_HOME = {
    "AveragingClassifier": "sk_yt8m.ensemble",
    "DeepMultiLabelClassifier": "sk_yt8m.classifier",
    "DeepNeighborsClassifier": "sk_yt8m.neighbors",
    "ModalityNormalizer": "sk_yt8m.presets.modalities",
    "NormalizedModalitiesClassifier": "sk_yt8m.presets.normalized",
    "SparseIndicator": "sk_yt8m._inputs.sparse_indicator",
    "TopK": "sk_yt8m._top_k",
    "load": "sk_yt8m._loading",
    "make_classifier": "sk_yt8m.presets.make",
    "predict_to_parquet": "sk_yt8m.batch_prediction",
    "register_onnx_converters": "sk_yt8m._onnx",
    "show_versions": "sk_yt8m._show_versions",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
