"""The deep classifier, as scikit-learn sees it."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions

from sk_yt8m._inputs.targets import TargetForm
from sk_yt8m._network.architecture import ACTIVATIONS, Weights
from sk_yt8m._network.fitted_network import Model
from sk_yt8m._prediction import NetworkPredictions
from sk_yt8m._training.problem import (
    Problem,
    check_inputs,
    make_plan,
    make_trainer,
    read_problem,
    scorer_of,
    split_validation,
    start_weights,
    step_options,
    used_rows,
)
from sk_yt8m._training.rollback import restored_on_failure
from sk_yt8m.persistence._methods import FileMethods

if TYPE_CHECKING:
    from sk_yt8m._training.trainer import Trainer


class DeepMultiLabelClassifier(NetworkPredictions, FileMethods, ClassifierMixin, BaseEstimator):
    """Multilayer perceptron for thousands of labels, trained by TensorFlow.

    Takes multilabel targets, sparse ones without ever making them dense, and binary and
    multiclass ones too. The default parameters are a recipe for the features of YouTube-8M that
    adapts itself to smaller data: standardised inputs, batch normalisation, dropout, AdamW with
    a warm-up and a cosine schedule, a moving average of the weights, and output biases that
    start at the log-odds of each label's frequency.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int or int, default=(2000, 3200)
        Number of units of each hidden layer; empty for a linear model.
    activation : {"identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="relu"
        Activation of the hidden layers.
    alpha : float, default=0.0
        Strength of the L2 penalty: ``alpha / 2`` times the squared kernels, divided by the batch
        size, is added to the loss.
    batch_size : int or "auto", default="auto"
        Rows a step, at most. ``"auto"`` is a power of two from 32 to 512 that gives about 80
        steps an epoch.
    learning_rate : {"cosine", "constant"}, default="cosine"
        Schedule of the learning rate after the warm-up.
    learning_rate_init : float, default=0.002
        Learning rate at the end of the warm-up.
    max_iter : int or "auto", default="auto"
        Number of epochs. ``"auto"`` is 12, or as many as make 320 steps.
    shuffle : bool, default=True
        Whether every epoch takes the rows in an order of its own.
    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the order of the rows, the dropout masks and the validation
        split. An integer gives the same result in every call on one machine.
    tol : float, default=1e-4
        What counts as an improvement of the watched figure: of the validation score, or of the
        training loss of a row summed over its labels, whatever `loss_reduction` is.
    verbose : bool, default=False
        Whether to print a line after every epoch.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the previous call.
    early_stopping : bool, default=False
        Whether to watch the validation score, and not the training loss, to stop early. Without
        `X_val`, a part of the training data is set aside.
    validation_fraction : float, default=0.1
        Share of the training data that is set aside.
    n_iter_no_change : int or np.inf, default=10
        Stop after so many epochs without improvement. With `verbose`, a line says so; `n_iter_` is
        the number of epochs run.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of Adam's moments.
    epsilon : float, default=1e-8
        Keeps Adam's divisor off zero.
    weight_decay : float, default=0.05
        Decoupled weight decay: the share of each kernel, times the learning rate, that a step
        takes off.
    warmup_fraction : float, default=0.05
        Share of the steps in which the learning rate grows to `learning_rate_init`.
    ema_decay : float or None, default=0.99
        Decay of the moving average of the weights that predicts; None predicts with the weights
        themselves.
    dropout : float, default=0.5
        Share of the hidden units that is left out in each step. A training of few epochs does
        better with little or none, here and for the inputs.
    input_dropout : float, default=0.2
        Share of the inputs that is left out in each step.
    batch_normalization : bool, default=True
        Whether to normalise the inputs of each hidden activation over the batch.
    standardize : bool, default=True
        Whether to bring every feature to mean 0 and variance 1 first, by the weighted mean and
        variance of the training rows. Those of features wider than float32 are taken, and
        subtracted, in float64. Without it, such features have to be numbers that float32 holds.
    output_bias_init : {"log_odds", "zeros"}, default="log_odds"
        Where the output biases start.
    loss_reduction : {"sum", "mean"}, default="sum"
        Whether the loss of a row is the sum or the mean over its labels. The mean over thousands
        of labels makes the gradients so small that Adam's `epsilon` matters.
    n_heads : int, default=1
        Number of equal parts of the last hidden layer that learn to predict on their own. The
        network's log-odds are the mean of theirs: an average of several networks in the form of
        one (Lee et al., 2015), which takes no longer to predict. Above 1 it wants a wide layer.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Number format of the matrix products in training; weights and predictions are float32.
        ``"auto"`` is bfloat16 where the hardware multiplies it natively.
    predict_precision : {"float32", "bfloat16"}, default="float32"
        Number format of the matrix products in prediction. bfloat16 is several times as fast on
        hardware that multiplies it natively, and changes the most probable label of a few rows
        (``docs/results.md`` says how many). May be set on a fitted classifier.

    checkpoint_dir : str, path or None, default=None
        Folder in which `fit` keeps its state on the way. After a crash or a kill the same call
        of `fit` goes on from there and gives the result of a call that was never stopped, on one
        machine, with float32 on a processor bit for bit; another call is refused. The
        checkpoints are deleted when `fit` ends. Each takes four times the bytes of the weights,
        five with validation, and two are kept.
    checkpoint_every : int or None, default=None
        Steps between checkpoints within an epoch; None for those at the end of each epoch only.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or (n_labels, 2)
        The classes; for multilabel targets those of each label, 0 and 1.
    label_names_ : ndarray of shape (n_classes,) or (n_labels,)
        What the columns of the scores stand for: the classes, the column names of a DataFrame of
        labels, or the numbers of the labels.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` was a DataFrame with string column names.
    n_outputs_ : int
        Number of outputs of the network: 1 for binary targets.
    n_layers_ : int
        Number of layers, input and output included.
    out_activation_ : {"logistic", "softmax"}
        Link of the output layer.
    n_iter_ : int
        Number of epochs run.
    t_ : int
        Number of samples seen in training.
    loss_ : float
        Training loss of the last epoch, the penalty of `alpha` included.
    best_loss_ : float or None
        Lowest training loss of an epoch; None where the best epoch is told by validation.
    loss_curve_ : list of float
        Training loss of each epoch.
    epoch_times_ : list of float
        Seconds from the first step of `fit` to the end of each epoch, validation included; empty
        after `partial_fit`.
    validation_scores_ : list of float or None
        Validation score after each epoch, GAP@20 for multilabel targets and accuracy for others.
    best_validation_score_ : float or None
        The best of them, whose weights are kept.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The same for small data and without TensorFlow.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Ioffe and Szegedy, "Batch normalization", ICML 2015.

    Lee et al., "Why M heads are better than one: training a diverse ensemble of deep networks",
    arXiv:1511.06314, 2015.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 15, 2014.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sk_yt8m import DeepMultiLabelClassifier
    >>> X, Y = make_multilabel_classification(n_samples=200, random_state=0)
    >>> clf = DeepMultiLabelClassifier(hidden_layer_sizes=(32,), random_state=0).fit(X, Y)
    >>> clf.predict_proba(X).shape
    (200, 5)
    >>> indices, scores = clf.predict_top_k(X, k=2)
    >>> indices.shape
    (200, 2)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"cosine", "constant"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "warmup_fraction": [Interval(Real, 0, 1, closed="left")],
        "ema_decay": [None, Interval(Real, 0, 1, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_normalization": ["boolean"],
        "standardize": ["boolean"],
        "output_bias_init": [StrOptions({"log_odds", "zeros"})],
        "loss_reduction": [StrOptions({"sum", "mean"})],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "predict_precision": [StrOptions({"float32", "bfloat16"})],
        "checkpoint_dir": [None, str, os.PathLike],
        "checkpoint_every": [None, Interval(Integral, 1, None, closed="left")],
    }

    _model: Model
    _trainer: "Trainer | None"
    _trainer_state: Weights | None

    def __init__(
        self,
        hidden_layer_sizes: npt.ArrayLike = (2000, 3200),
        activation: str = "relu",
        *,
        alpha: float = 0.0,
        batch_size: int | str = "auto",
        learning_rate: str = "cosine",
        learning_rate_init: float = 0.002,
        max_iter: int | str = "auto",
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.05,
        warmup_fraction: float = 0.05,
        ema_decay: float | None = 0.99,
        dropout: float = 0.5,
        input_dropout: float = 0.2,
        batch_normalization: bool = True,
        standardize: bool = True,
        output_bias_init: str = "log_odds",
        loss_reduction: str = "sum",
        n_heads: int = 1,
        precision: str = "auto",
        predict_precision: str = "float32",
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_every: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.warmup_fraction = warmup_fraction
        self.ema_decay = ema_decay
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.batch_normalization = batch_normalization
        self.standardize = standardize
        self.output_bias_init = output_bias_init
        self.loss_reduction = loss_reduction
        self.n_heads = n_heads
        self.precision = precision
        self.predict_precision = predict_precision
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every = checkpoint_every

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: npt.ArrayLike | None = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: npt.ArrayLike | None = None,
    ) -> "DeepMultiLabelClassifier":
        """Train the network.

        A KeyboardInterrupt after the first step ends the training with a warning; the classifier
        then has the best weights so far, or without validation the last ones.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features. An array of numbers is not copied, a memory-mapped one is read in blocks.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples,) or (n_samples, n_labels)
            Classes, or the indicator matrix of the labels, of any integer or boolean type. The
            column names of a DataFrame become `label_names_`. One column is classes, but for a
            sparse matrix, which is always an indicator.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the loss, and in the statistics that standardise the features
            and start the output biases. A row of weight 0 is left out altogether, but for a check
            that its features are finite, and that its class stays in `classes_`.
        X_val, y_val : optional
            Validation data, in the same forms, with at least one positive label. After each epoch
            the network is scored on it, and the weights of the best epoch are kept.
        sample_weight_val : array-like of shape (n_samples_val,), optional
            Weight of each validation row in the score; rows of weight 0 are left out. Rows that
            `early_stopping` sets aside have their weight of `sample_weight`.

        Returns
        -------
        DeepMultiLabelClassifier
            The fitted classifier itself.

        Raises
        ------
        TypeError
            If an argument is a masked array, whose mask would be ignored.
        ValueError
            If a value is not what is described here; the message says which, and where.
        FloatingPointError
            If the training diverges.
        RuntimeError
            If another call uses the same `checkpoint_dir`.
        OSError
            If `checkpoint_dir` cannot be made or read.
        """
        from sk_yt8m._training.checkpoints.fingerprint import describe_run
        from sk_yt8m._training.checkpoints.folder import open_checkpoints
        from sk_yt8m._training.epoch_loop import Rows, print_epoch, train_epochs
        from sk_yt8m._training.row_source import make_feed

        previous = self._fitted_model() if self.warm_start and self._is_fitted() else None
        with ExitStack() as stack:
            stack.enter_context(restored_on_failure(self))
            given = read_problem(self, X, y, sample_weight, previous=previous)
            seed = self._draw_seed()
            checkpoints = stack.enter_context(open_checkpoints(self))
            if checkpoints is not None:
                seed = checkpoints.begin(seed)
            problem, validation = split_validation(
                self, given, X_val, y_val, sample_weight_val, seed
            )
            if checkpoints is not None:
                named = None if X_val is None else validation
                checkpoints.identify(describe_run(self, given, problem.moments, named, previous))
            weights = previous.weights if previous else start_weights(self, problem, seed)
            check_inputs(problem, validation, weights, measured=previous is None)
            evaluate = scorer_of(problem.architecture, validation, weights) if validation else None
            with make_trainer(self, problem, weights, seed) as trainer:
                del weights, previous
                feed = make_feed(trainer.inputs(problem.X))
                numbers = np.arange(problem.X.shape[0])
                history = train_epochs(
                    trainer,
                    Rows(feed, problem.indicator, numbers, problem.loss_weight),
                    make_plan(self, problem, seed),
                    evaluate,
                    partial(print_epoch, problem.form.score_name) if self.verbose else None,
                    checkpoints,
                )
            self._publish(Model(problem.architecture, problem.form, history.weights))
            self._record(history.losses, history.scores, history.seconds, history.n_seen)
            if checkpoints is not None and not history.interrupted:
                checkpoints.clear()
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> "DeepMultiLabelClassifier":
        """Train on the given rows once, going on where the last call stopped.

        The first call sets the standardisation and the output biases, so its rows should be
        typical. The learning rate is `learning_rate_init` throughout, and ``batch_size="auto"``
        means at most 512 rows. Between calls, parameters of the training may be changed and apply
        at once; those of the network's structure are refused: `hidden_layer_sizes`, `activation`,
        `batch_normalization` and `standardize`. `max_iter`, `learning_rate`, `warmup_fraction`,
        `tol` and `n_iter_no_change` are for `fit` only.

        A call that fails leaves the classifier as it was before.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, as in `fit`.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples,) or (n_samples, n_labels)
            Targets, as in `fit`. The columns of a DataFrame have the same names and order in
            every call; `label_names_` are those of the first DataFrame.
        classes : array-like of shape (n_classes,), optional
            All classes that will ever come; needed at the first call where `y` is
            one-dimensional and does not hold all of them. The same in every call. For multilabel
            targets the labels are the columns of `y`.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row, as in `fit`; at least one has to be above 0.

        Returns
        -------
        DeepMultiLabelClassifier
            The fitted classifier itself.

        Raises
        ------
        TypeError
            If an argument is a masked array, whose mask would be ignored.
        ValueError
            If a value is not what is described here, or differs from the first call where it may
            not.
        FloatingPointError
            If the training diverges.
        """
        from sk_yt8m._training.epoch_loop import Rows, train_one_epoch
        from sk_yt8m._training.row_source import HostFeed

        # The decorator checks the parameters of the first call only.
        self._validate_params()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        with restored_on_failure(self) as before, ExitStack() as failure:
            previous = self._model if self._is_fitted() else None
            problem = read_problem(
                self,
                X,
                y,
                sample_weight,
                classes=classes,
                previous=previous,
                some_classes=True,
            )
            problem = used_rows(problem)
            seed = self._draw_seed()
            start = previous.weights if previous else start_weights(self, problem, seed)
            check_inputs(problem, None, start, measured=previous is None)
            if previous is None:
                self._publish(Model(problem.architecture, problem.form, start))
                self._record([], [], [], 0)
            trainer = self._trainer_for(problem, seed, before)
            failure.push(trainer)
            if trainer is self._trainer:
                failure.callback(self._settle, trainer.hold(), before)

            n_samples = problem.X.shape[0]
            feed = HostFeed(trainer.inputs(problem.X))
            rows = Rows(feed, problem.indicator, np.arange(n_samples), problem.loss_weight)
            plan = replace(make_plan(self, problem, seed), schedule="constant", warmup_fraction=0.0)
            if self.batch_size == "auto":
                plan = replace(plan, batch_size=512)
            loss = train_one_epoch(trainer, rows, plan, self.n_iter_)
            failure.pop_all()
            self._name_labels(self._model.form.named_as(problem.form))
            self._trainer, self._trainer_state = trainer, None
            self._model_is_behind = True
            self._record([*self.loss_curve_, loss], [], [], self.t_ + n_samples)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_model")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), **self._settled()}

    _is_fitted = __sklearn_is_fitted__

    def _fitted_model(self) -> Model:
        if self._model_is_behind and self._trainer is not None:
            self._model = Model(self._model.architecture, self._model.form, self._trainer.weights())
            self._model_is_behind = False
        return self._model

    def _settled(self) -> dict[str, Any]:
        """Return the attributes that hold a training under way as plain arrays."""
        trainer = vars(self).get("_trainer")
        if trainer is None:
            return {}
        return {
            "_model": self._fitted_model(),
            "_model_is_behind": False,
            "_trainer": None,
            "_trainer_state": trainer.state(),
        }

    def _settle(self, roll_back: Callable[[], None], before: dict[str, Any]) -> None:
        """Keep what a training that failed started from, among the attributes before it."""
        before.update(_trainer=None, _trainer_state=None)
        roll_back()
        before.update(self._settled())

    def _trainer_for(self, problem: Problem, seed: int, before: dict[str, Any]) -> "Trainer":
        """Return a trainer that goes on with the parameters of now.

        One of other parameters is closed, and its state kept among the attributes before.
        """
        trainer = self._trainer
        if trainer is not None:
            if trainer.kind == (problem.architecture, step_options(self, problem)):
                trainer.reseed(seed)
                return trainer
            before.update(self._settled())
            trainer.close()
            self._trainer = None
        trainer = make_trainer(self, problem, self._model.weights, seed)
        trainer.restore(before.get("_trainer_state"))
        return trainer

    def _publish(self, model: Model) -> None:
        """Set all attributes that follow from a trained network."""
        self._model = model
        self._model_is_behind = False
        self._trainer = self._trainer_state = None
        self.classes_ = model.form.classes
        self.label_names_ = model.form.names
        self.out_activation_ = model.form.out_activation
        self.n_outputs_ = model.architecture.n_outputs
        self.n_layers_ = len(model.architecture.hidden_layer_sizes) + 2

    def _name_labels(self, form: TargetForm) -> None:
        """Take the names of labels that had none before."""
        self._model = replace(self._model, form=form)
        self.label_names_ = form.names

    def _draw_seed(self) -> int:
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _record(
        self, losses: list[float], scores: list[float], seconds: list[float], n_seen: int
    ) -> None:
        self.epoch_times_ = seconds
        self.loss_curve_ = losses
        self.loss_ = losses[-1] if losses else np.inf
        self.best_loss_ = None if scores else min(losses, default=np.inf)
        self.n_iter_ = len(losses)
        self.t_ = n_seen
        self.validation_scores_ = scores or None
        self.best_validation_score_ = max(scores) if scores else None
