"""What each parameter of `DeepMultiLabelClassifier` may be."""

import os
from numbers import Integral, Real
from typing import Any

import numpy as np

from sk_yt8m._network.architecture import ACTIVATIONS
from sk_yt8m._sklearn import Interval, Options, StrOptions

_COUNT = Interval(Integral, 1, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="left")
_NON_NEGATIVE = Interval(Real, 0, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _COUNT, StrOptions({"auto"})],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "alpha": [_NON_NEGATIVE],
    "batch_size": [StrOptions({"auto"}), _COUNT],
    "learning_rate": [StrOptions({"cosine", "constant"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [StrOptions({"auto"}), _COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_NON_NEGATIVE],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [
        _COUNT,
        Options(Real, {np.inf}),
    ],
    "beta_1": [_SHARE],
    "beta_2": [_SHARE],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "weight_decay": [_NON_NEGATIVE],
    "warmup_fraction": [_SHARE],
    "ema_decay": [None, _SHARE],
    "dropout": [_SHARE],
    "input_dropout": [_SHARE],
    "batch_normalization": ["boolean"],
    "standardize": ["boolean"],
    "output_bias_init": [StrOptions({"log_odds", "zeros"})],
    "loss_reduction": [StrOptions({"sum", "mean"})],
    "n_heads": [_COUNT],
    "precision": [StrOptions({"auto", "float32", "bfloat16"})],
    "predict_precision": [StrOptions({"float32", "bfloat16"})],
    "checkpoint_dir": [None, str, os.PathLike],
    "checkpoint_every": [None, _COUNT],
}
