"""The Bunch that loaders return."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import Bunch

from sk_yt8m._sklearn import StrOptions
from sk_yt8m.datasets._schema import FEATURE_NAMES, N_FEATURES

#: Constraints of the parameters that all loaders have.
LOADER_PARAMETERS = {
    "return_indicator": [StrOptions({"dense", "sparse"})],
    "on_error": [StrOptions({"raise", "skip"})],
}


def feature_names(n_features: int) -> list[str]:
    """Return names for the columns of X: YouTube-8M's names if X has their number."""
    if n_features == N_FEATURES:
        return list(FEATURE_NAMES)
    return [f"feature_{i}" for i in range(n_features)]


def as_bunch(
    X: np.ndarray,
    Y: sp.csr_matrix,
    *,
    return_indicator: str,
    return_X_y: bool,
    as_frame: bool,
    descr: str,
    **more: Any,
) -> Any:
    """Return a Bunch, or ``(X, Y)``, with dense or sparse labels, as arrays or DataFrames."""
    names = feature_names(X.shape[1])
    labels = [str(i) for i in range(Y.shape[1])]
    data: Any = X
    target: Any = Y if return_indicator == "sparse" else Y.toarray()
    frame = None
    if as_frame:
        import pandas as pd

        data = pd.DataFrame(X, columns=names)
        if return_indicator == "sparse":
            target = pd.DataFrame.sparse.from_spmatrix(Y, columns=labels)  # type: ignore[attr-defined]
        else:
            target = pd.DataFrame(target, columns=labels)
    if return_X_y:
        return data, target
    if as_frame:
        frame = pd.concat([data, target], axis=1)
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=names,
        target_names=labels,
        DESCR=descr,
        **more,
    )
