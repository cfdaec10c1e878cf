"""The fingerprint of a call of `fit`: its data and the parameters that determine the result."""

import hashlib
from typing import Any

import numpy as np

from sk_yt8m._files.strict_json import dump_json, parse_json
from sk_yt8m._files.values import encode
from sk_yt8m._inputs.features import block_rows, is_wide, take_rows
from sk_yt8m._inputs.shuffling import mixed_rows
from sk_yt8m._network.architecture import Architecture
from sk_yt8m._network.fitted_network import FittedNetwork
from sk_yt8m._tensorflow import resolve_precision
from sk_yt8m._training.problem import Problem
from sk_yt8m._version import __version__

#: Parameters that do not change the result.
_WITHOUT_EFFECT = {"checkpoint_dir", "checkpoint_every", "predict_precision", "verbose"}
_SAMPLED_ROWS = 1000


def describe_run(
    parameters: dict[str, Any],
    architecture: Architecture,
    problem: Problem,
    statistics: tuple[np.ndarray, ...],
    validation: Problem | None,
    previous: FittedNetwork | None,
) -> dict[str, Any]:
    """Return what must be the same for a training to be resumed, as JSON.

    Features are identified by their shape, type, means and deviations over the training rows, and
    by the values of 1,000 rows; labels and weights by all of their values.

    `problem` and `validation` are the data given to `fit`, including rows that are held out.
    """
    run = {
        name: encode(value, f"the parameter {name}")
        for name, value in parameters.items()
        if name not in _WITHOUT_EFFECT | {"hidden_layer_sizes", "random_state"}
    }
    drawn = parameters["random_state"]
    seed = int(drawn) if isinstance(drawn, (int, np.integer)) else drawn and type(drawn).__name__
    run |= {
        "hidden_layer_sizes": list(architecture.hidden_layer_sizes),
        "random_state": seed,
        "the precision in use": resolve_precision(parameters["precision"]),
        "the version of sk_yt8m": __version__,
        "X": {**_features(problem.X), "moments": _sha256(*statistics)},
        "y": {"kind": problem.form.kind, **_labels(problem.indicator)},
        "the list of label names of y": _names(problem.form.names),
        "sample_weight": None if problem.weight is None else _sha256(problem.weight),
        "X_val": None if validation is None else _features(validation.X),
        "y_val": None if validation is None else _labels(validation.indicator),
        "sample_weight_val": None
        if validation is None or validation.weight is None
        else _sha256(validation.weight),
        "the weights of the warm start": None
        if previous is None
        else _sha256(*(weights for _, weights in sorted(previous.weights.items()))),
    }
    return dict(parse_json(dump_json(run)))


def check_same_run(before: dict[str, Any], now: dict[str, Any], where: str) -> None:
    """Raise a ValueError that names the differences between two runs."""
    different = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if different:
        changes = [_change(name, before.get(name), now.get(name)) for name in different]
        raise ValueError(
            f"checkpoint_dir holds the training of another call of fit, which differs from "
            f"this one: {'; '.join(changes)}. Call fit as before, choose another folder, or "
            f"delete the checkpoints in {where} to start anew"
        )


def _change(name: str, before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        for part in {**before, **now}:
            if before.get(part) != now.get(part) and part not in ("values", "moments"):
                return f"{name} had {part} {before.get(part)} and now has {now.get(part)}"
        return f"{name} holds other values"
    hashes = [isinstance(value, str) and len(value) == 64 for value in (before, now)]
    if all(hashes):
        return f"{name} holds other values"
    if any(hashes) or isinstance(before, dict) or isinstance(now, dict):
        return f"{name} was {'not ' if before is None else ''}given before"
    return f"{name} was {before!r} and is now {now!r}"


def _features(X: Any) -> dict[str, Any]:
    n_samples = X.shape[0]
    n_rows = min(n_samples, _SAMPLED_ROWS, block_rows(X))
    rows = np.linspace(0, n_samples - 1, n_rows).astype(np.int64)
    return {
        "shape": X.shape,
        "dtype": str(X.dtype),
        "rows shuffled together": mixed_rows(X),
        "values": _sha256(take_rows(X, rows, np.float64 if is_wide(X) else np.float32)),
    }


def _labels(indicator: Any) -> dict[str, Any]:
    parts = (indicator.indptr, indicator.indices)
    values = _sha256(*(part.astype(np.int64, copy=False) for part in parts))
    return {"shape": indicator.shape, "values": values}


def _names(names: np.ndarray) -> str | None:
    """Return the checksum of label names, None for labels without names."""
    if np.array_equal(names, np.arange(names.size)):
        return None
    return _sha256(np.frombuffer(repr(names.tolist()).encode(), dtype=np.uint8))


def _sha256(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
