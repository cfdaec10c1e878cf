"""A value of each parameter of the network classifier that is not that of `small`."""

#: What the first training fixes.
FIXED = {
    "hidden_layer_sizes": (9,),
    "activation": "tanh",
    "batch_normalization": False,
    "standardize": False,
}
#: What has an effect on a step of `partial_fit`.
AT_ONCE = {
    "alpha": 5.0,
    "batch_size": 30,
    "learning_rate_init": 0.005,
    "shuffle": False,
    "random_state": 7,
    "beta_1": 0.5,
    "beta_2": 0.9,
    "epsilon": 0.01,
    "weight_decay": 0.9,
    "ema_decay": None,
    "dropout": 0.1,
    "input_dropout": 0.6,
    "loss_reduction": "mean",
    "n_heads": 2,
    "precision": "bfloat16",
}
#: What has an effect on `fit` only.
OF_FIT = {
    "learning_rate": "constant",
    "max_iter": 9,
    "tol": 0.5,
    "warm_start": True,
    "validation_fraction": 0.3,
    "n_iter_no_change": 2,
    "warmup_fraction": 0.5,
    "output_bias_init": "zeros",
    "early_stopping": True,
}
#: What has no effect on the weights.
WITHOUT_EFFECT = {
    "verbose": True,
    "predict_precision": "bfloat16",
    "checkpoint_dir": "somewhere",
    "checkpoint_every": 3,
}
