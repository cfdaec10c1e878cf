"""`sk_yt8m.load`: a model file -> a fitted classifier."""

import os
from typing import Any

from sk_yt8m._estimators.saving import unfitted
from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._inputs.types import PathLike
from sk_yt8m.classifier import DeepMultiLabelClassifier
from sk_yt8m.ensemble import AveragingClassifier
from sk_yt8m.neighbors import DeepNeighborsClassifier
from sk_yt8m.persistence._common_contents import Saved
from sk_yt8m.persistence._model_file import read_model
from sk_yt8m.presets.normalized import NormalizedModalitiesClassifier

_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        DeepMultiLabelClassifier,
        DeepNeighborsClassifier,
        NormalizedModalitiesClassifier,
        AveragingClassifier,
    )
}


def load(
    path: PathLike,
) -> (
    DeepMultiLabelClassifier
    | DeepNeighborsClassifier
    | NormalizedModalitiesClassifier
    | AveragingClassifier
):
    """Read a classifier that its method `save` wrote.

    No code in the file is run: it holds numbers and JSON text, and everything is checked before it
    is used. A checksum detects damage, but does not tell who wrote the file.

    Read more in the :ref:`User Guide <saving>`.

    Parameters
    ----------
    path : str or path
        The file; symbolic links are followed.

    Returns
    -------
    DeepMultiLabelClassifier, DeepNeighborsClassifier, NormalizedModalitiesClassifier or \
            AveragingClassifier
        Predicts bit for bit what the saved one did, on the same machine and with the same
        versions of the libraries. With its training state in the file, `partial_fit` of a network
        continues as if it had never been saved.

    Raises
    ------
    ModelFileError
        A ValueError: if the file is not a model file, is damaged, or is of a later version.
    OSError
        If it cannot be read.

    See Also
    --------
    DeepMultiLabelClassifier.save : Write the file; the compositions have the same method.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import sk_yt8m
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=50, random_state=0)
    >>> clf = sk_yt8m.DeepMultiLabelClassifier(hidden_layer_sizes=(8,), max_iter=2).fit(X, Y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clf.save(Path(folder) / "videos.safetensors")
    ...     again = sk_yt8m.load(Path(folder) / "videos.safetensors")
    >>> bool((again.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    try:
        return _fitted(read_model(path))
    except RecursionError as error:
        raise ModelFileError(f"cannot load {os.fspath(path)}: it is nested too deeply") from error
    except ModelFileError as error:
        raise ModelFileError(f"cannot load {os.fspath(path)}: {error}") from error


def _fitted(saved: Saved) -> Any:
    """Build a classifier from plain values, and raise a ModelFileError if they are invalid."""
    cls = _CLASSES[saved.estimator]
    estimator = unfitted(cls, saved.parameters, saved.requests, _CLASSES)
    estimator._restore(saved, [_fitted(part) for part in saved.inside.values()])
    return estimator
