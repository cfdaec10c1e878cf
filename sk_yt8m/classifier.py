"""The deep classifier: the scikit-learn contract."""

from typing import Any, ClassVar, Literal, Self

import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from sk_yt8m._estimators.callbacks import EpochCallbacks
from sk_yt8m._estimators.clones import MarkedClones
from sk_yt8m._estimators.incremental_training import IncrementalTraining
from sk_yt8m._estimators.network_predictions import NetworkPredictions
from sk_yt8m._inputs.features import check_features
from sk_yt8m._inputs.types import MatrixLike, PathLike, RandomState
from sk_yt8m._sklearn import (
    CallbackSupportMixin,
    callback_management_context,
    fit_context,
    has_callbacks,
)
from sk_yt8m._training.constraints import CONSTRAINTS
from sk_yt8m._training.rollback import restored_on_failure


class DeepMultiLabelClassifier(
    CallbackSupportMixin,
    NetworkPredictions,
    IncrementalTraining,
    MarkedClones,
    ClassifierMixin,
    BaseEstimator,
):
    """Multilayer perceptron for thousands of labels, trained by TensorFlow.

    Takes binary, multiclass and multilabel targets; sparse indicators are never made dense. The
    default parameters are a recipe for the features of YouTube-8M that adapts itself to smaller
    data: standardised inputs, batch normalisation [1]_, dropout [2]_, AdamW [3]_ [4]_ with a
    warm-up and a cosine schedule [5]_, a moving average of the weights [6]_, kernels that start at
    Glorot's uniform values [7]_, and output biases that start at the log-odds of each label's
    frequency.

    Read more in the :ref:`User Guide <training>`, or :ref:`coming from MLPClassifier
    <mlp_classifier>`.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, int or "auto", default="auto"
        Number of units of each hidden layer; empty for a linear model. ``"auto"`` is from
        ``(400, 640)`` to ``(2000, 3200)``: the first has 0.16 units for each row and 5 for each
        output, to the nearest multiple of 80; the second is 1.6 times the first, less what makes
        it a multiple of `n_heads`. Rows of weight 0 do not count, rows that `early_stopping`
        holds out do. The sizes of a network that is trained further stay; `partial_fit`, which
        does not know the number of rows, starts with ``(2000, 3200)``.
    activation : {"identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="relu"
        Activation of the hidden layers.
    alpha : float, default=0.0
        Strength of the L2 penalty: ``alpha / 2`` times the squared kernels, divided by the batch
        size, is added to the loss.
    batch_size : int or "auto", default="auto"
        Rows per step, at most. ``"auto"`` is a power of two from 32 to 512 that gives about 80
        steps per epoch.
    learning_rate : {"cosine", "constant"}, default="cosine"
        Schedule of the learning rate after the warm-up.
    learning_rate_init : float, default=0.002
        Learning rate at the end of the warm-up.
    max_iter : int or "auto", default="auto"
        Number of epochs. ``"auto"`` is 12, or as many as needed for 320 steps.
    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch.
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the order of the rows, the dropout masks and the validation
        split. An integer gives the same result in every call on one machine.
    tol : float, default=1e-4
        Smallest improvement of the monitored figure: the validation score, or the training loss
        of a row, summed over its labels whatever `loss_reduction` is.
    verbose : bool, default=False
        Whether to print a line after every epoch.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call.
    early_stopping : bool, default=False
        Whether to monitor the validation score, instead of the training loss, to stop early.
        Without `X_val`, a part of the training data is held out.
    validation_fraction : float, default=0.1
        Share of the training data that is held out.
    n_iter_no_change : int or np.inf, default=10
        Epochs without improvement after which training stops. With `verbose`, a line says so;
        `n_iter_` is the number of epochs run.
    beta_1 : float, default=0.9
        Decay rate of Adam's first moments [3]_.
    beta_2 : float, default=0.999
        Decay rate of Adam's second moments [3]_.
    epsilon : float, default=1e-8
        Added to Adam's divisor for numerical stability.
    weight_decay : float, default=0.05
        Decoupled weight decay [4]_: each step subtracts this share of each kernel, times the
        learning rate.
    warmup_fraction : float, default=0.05
        Share of the steps in which the learning rate grows linearly to `learning_rate_init`.
    ema_decay : float or None, default=0.99
        Decay of the moving average of the weights, which predicts; None predicts with the weights
        themselves.
    dropout : float, default=0.5
        Share of the hidden units that are dropped in each step. A training of few epochs does
        better with little or no dropout, here and for the inputs.
    input_dropout : float, default=0.2
        Share of the inputs that are dropped in each step.
    batch_normalization : bool, default=True
        Whether to normalise the pre-activations of each hidden layer over the batch.
    standardize : bool, default=True
        Whether to scale every feature to mean 0 and variance 1, by the weighted mean and variance
        of the training rows, in float64 for dtypes wider than float32. Without it, features must
        be numbers that float32 can hold.
    output_bias_init : {"log_odds", "zeros"}, default="log_odds"
        First values of the output biases.
    loss_reduction : {"sum", "mean"}, default="sum"
        Whether the loss of a row is the sum or the mean over its labels. The mean over thousands
        of labels makes the gradients so small that Adam's `epsilon` matters.
    n_heads : int, default=1
        Number of equal parts of the last hidden layer that learn to predict on their own. The
        network's log-odds are the mean of theirs: an ensemble in one network [8]_, which takes no
        longer to predict. Values above 1 need a wide last hidden layer.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Number format of the matrix products in training; weights and predictions are float32.
        ``"auto"`` is bfloat16 where the hardware multiplies it natively. On a GPU, float32 products
        are not rounded to TF32, unless TensorFlow was imported before this package.
    predict_precision : {"float32", "bfloat16"}, default="float32"
        Number format of the matrix products in prediction. bfloat16 is several times as fast on
        hardware that multiplies it natively, and changes the most probable label of a few rows
        (:ref:`how many <results>`). May be set on a fitted classifier.
    checkpoint_dir : str, path or None, default=None
        Folder for checkpoints of `fit`. After a crash or a kill, the same call of `fit` resumes
        there and gives the result of an uninterrupted call on the same machine, in float32 on a
        processor bit for bit; a different call is refused. The checkpoints are deleted when `fit`
        ends. Each takes four times the size of the weights, five with validation; two are kept.
    checkpoint_every : int or None, default=None
        Steps between checkpoints within an epoch; None for one at the end of each epoch only.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or (n_labels,)
        The classes; for multilabel targets the numbers of the labels, as Python integers.
    label_names_ : ndarray of shape (n_classes,) or (n_labels,)
        Names of the columns of the scores: the classes, the names of a `SparseIndicator` or of the
        columns of a DataFrame of labels, or the numbers of the labels.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` was a DataFrame with string column names.
    n_outputs_ : int
        Number of outputs of the network: 1 for binary targets.
    hidden_layer_sizes_ : tuple of int
        Number of units of each hidden layer of the network.
    n_layers_ : int
        Number of layers, input and output included.
    out_activation_ : {"logistic", "softmax"}
        Activation of the output layer.
    n_iter_ : int
        Number of epochs run.
    t_ : int
        Number of samples seen in training.
    loss_ : float
        Training loss of the last epoch, including the penalty of `alpha`.
    best_loss_ : float or None
        Lowest training loss of an epoch; None with validation data.
    loss_curve_ : list of float
        Training loss of each epoch.
    epoch_times_ : list of float
        Seconds from the first step of `fit` to the end of each epoch, including validation; empty
        after `partial_fit`. Short epochs that nothing is done between share the time of several.
    validation_scores_ : list of float or None
        Validation score after each epoch, GAP@20 for multilabel targets and accuracy for others.
    best_validation_score_ : float or None
        Highest validation score; the weights of its epoch are kept.

    See Also
    --------
    AveragingClassifier : Average of several classifiers.
    DeepNeighborsClassifier : A network averaged with its nearest training rows.
    sklearn.neural_network.MLPClassifier : Multilayer perceptron for small data, without TensorFlow.

    Notes
    -----
    `set_callbacks` takes callbacks of scikit-learn 1.9, which `fit` calls at the start and the end
    of every epoch: for progress, scores, or a rule to stop. Read more in the
    :ref:`User Guide <callbacks>`.

    References
    ----------
    .. [1] Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
       internal covariate shift", ICML 2015, https://arxiv.org/abs/1502.03167
    .. [2] Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
       JMLR 15, 2014, https://jmlr.org/papers/v15/srivastava14a.html
    .. [3] Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015,
       https://arxiv.org/abs/1412.6980
    .. [4] Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019,
       https://arxiv.org/abs/1711.05101
    .. [5] Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
       https://arxiv.org/abs/1608.03983
    .. [6] Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM
       Journal on Control and Optimization 30(4), 1992, https://doi.org/10.1137/0330046
    .. [7] Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
       networks", AISTATS 2010, https://proceedings.mlr.press/v9/glorot10a.html
    .. [8] Lee et al., "Why M heads are better than one: training a diverse ensemble of deep
       networks", 2015, https://arxiv.org/abs/1511.06314

    Examples
    --------
    >>> from sk_yt8m import DeepMultiLabelClassifier
    >>> from sk_yt8m.datasets import make_videos
    >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
    >>> clf = DeepMultiLabelClassifier((32,), max_iter=5, random_state=0).fit(X[:150], Y[:150])
    >>> clf.predict_proba(X[150:]).shape
    (50, 30)
    >>> indices, scores = clf.predict_top_k(X[150:], k=3)
    >>> indices.shape
    (50, 3)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    def __init__(
        self,
        hidden_layer_sizes: npt.ArrayLike | Literal["auto"] = "auto",
        activation: Literal["identity", "logistic", "tanh", "relu", "gelu", "silu"] = "relu",
        *,
        alpha: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["cosine", "constant"] = "cosine",
        learning_rate_init: float = 0.002,
        max_iter: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
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
        output_bias_init: Literal["log_odds", "zeros"] = "log_odds",
        loss_reduction: Literal["sum", "mean"] = "sum",
        n_heads: int = 1,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        predict_precision: Literal["float32", "bfloat16"] = "float32",
        checkpoint_dir: PathLike | None = None,
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

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: npt.ArrayLike | None = None,
        X_val: MatrixLike | tuple[MatrixLike] | None = None,
        y_val: MatrixLike | tuple[MatrixLike] | None = None,
        sample_weight_val: npt.ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        A KeyboardInterrupt after the first step ends the training with a warning; the classifier
        then has the best weights so far, or the last ones without validation data. A callback set
        by `set_callbacks` that returns True at the end of an epoch ends it in the same way, without
        a warning.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features. An array of numbers is not copied; a memory-mapped one is read in blocks. A
            DataFrame may be one of polars or a table of pyarrow. A column of equal-length arrays
            of numbers, such as ``df["embedding"]``, is read as the matrix of its rows.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples,) or (n_samples, n_labels)
            Classes, or the indicator matrix of the labels, of any integer or boolean dtype. The
            label names of a `SparseIndicator` and the column names of a DataFrame become
            `label_names_`. A single column holds classes, except in a sparse matrix, which is
            always an indicator. Lists of tags are refused: see `SparseIndicator.from_tags`.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the loss, in the feature statistics and in the first output
            biases. A row of weight 0 is left out, except that its features must be finite and its
            class is in `classes_`.
        X_val : {array-like, sparse matrix, DataFrame} of shape \
                (n_samples_val, n_features), optional
            Features of validation data. After each epoch the network is scored on them, and the
            weights of the best epoch are kept. In a Pipeline they have to be transformed as `X` is:
            see Notes. A warning says so if most features are on another scale than those of `X`.
        y_val : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples_val,) or (n_samples_val, n_labels), optional
            Targets of the validation data, with at least one positive label, and with the names of
            `y` in the same order.
        sample_weight_val : array-like of shape (n_samples_val,), optional
            Weight of each validation row in the score; rows of weight 0 are left out. Rows that
            `early_stopping` holds out keep their `sample_weight`.

        Returns
        -------
        DeepMultiLabelClassifier
            The fitted classifier itself.

        Raises
        ------
        TypeError
            If an argument is a masked array, whose mask would be ignored.
        ValueError
            If a value is not as described here; the message says which, and where.
        FloatingPointError
            If the training diverges.
        RuntimeError
            If another call uses the same `checkpoint_dir`; a `sk_yt8m.distributed.WorkerError` if
            another process of a `tf.distribute` strategy fails.
        OSError
            If `checkpoint_dir` cannot be created or read.

        See Also
        --------
        partial_fit : Train on one batch of rows after another, without callbacks.
        SparseIndicator.from_tags : The indicator matrix of lists of tags.

        Notes
        -----
        Pipelines transform the validation features as `X`, and searches pass them on, by metadata
        routing: see the :ref:`User Guide <routing>`. Searches divide arrays of as many rows as `X`
        between the folds; what is in a tuple of one, ``X_val=(X_val,)``, is given to every fit as
        it is.

        Examples
        --------
        Keep the weights of the epoch with the best GAP@20 on videos that were held out:

        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0)
        >>> clf.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:]).n_iter_
        2
        >>> clf.best_validation_score_ == max(clf.validation_scores_)
        True
        """
        from sk_yt8m._training.fit import fit_network
        from sk_yt8m._training.validation import check_validation_data

        previous = self._fitted.network if self.warm_start and hasattr(self, "_fitted") else None
        callbacks = EpochCallbacks(self, X, y, sample_weight) if has_callbacks(self) else None
        with restored_on_failure(self), callback_management_context(self):
            features = check_features(self, X, reset=previous is None)
            validation_data = check_validation_data(
                self, features.shape[0], X_val, y_val, sample_weight_val
            )
            network, history = fit_network(
                self._plain_parameters(),
                (features, y, sample_weight),
                validation_data,
                previous,
                callbacks,
            )
            self._set_trained(network, history)
            if callbacks is not None:
                callbacks.end()
        return self
