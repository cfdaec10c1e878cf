"""The predicting methods that all three classifiers share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from sk_yt8m._estimators.documented import Documented
from sk_yt8m._estimators.label_lists import LabelLists, check_threshold, row_ids
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._inputs.targets import accuracy, as_pandas
from sk_yt8m._inputs.types import MatrixLike
from sk_yt8m._top_k import TopK, top_k_table
from sk_yt8m.metrics import gap_score
from sk_yt8m.metrics._inputs.checks import check_k
from sk_yt8m.metrics._inputs.select import select_top_k

if TYPE_CHECKING:
    import pandas as pd


class Predictions(Documented):
    """The public predicting methods, from what a subclass predicts in the hooks below."""

    def _target_form(self) -> TargetForm:
        """Return what `y` was in training."""
        raise NotImplementedError

    def _probabilities(self, X: Any) -> np.ndarray:
        """Return the probabilities, float32, with a column for each name."""
        raise NotImplementedError

    def _probability_blocks(self, X: Any) -> Iterator[np.ndarray]:
        """Yield the same, block by block of rows."""
        raise NotImplementedError

    def _label_blocks(self, X: Any) -> Iterator[np.ndarray]:
        """Yield which labels are predicted, block by block of rows, bool."""
        raise NotImplementedError

    def _class_codes(self, X: Any) -> np.ndarray:
        """Return the number of the most probable class of each row."""
        raise NotImplementedError

    def _top_k(self, X: Any, k: int) -> TopK:
        """Return the `k` most probable labels, or all of them if there are fewer."""
        raise NotImplementedError

    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Return the probability of every label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_labels) or (n_samples, n_classes), float32
            Probabilities from 0 to 1; those of a network are strictly between. They do not depend
            on how rows are split into calls; for a network of more than 524,288 weights up to
            rounding, 1e-6.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X has other features than in training, a feature is not finite, or so large that
            the prediction would not be finite.

        See Also
        --------
        predict : The labels or classes themselves.
        predict_top_k : The most probable labels, without the matrix of all probabilities.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
        >>> clf.predict_proba(X[:3]).shape
        (3, 30)
        """
        check_is_fitted(self)
        return self._probabilities(X)

    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Return the log-probability of every label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_labels) or (n_samples, n_classes), float32
            Natural logarithms of `predict_proba`; minus infinity for a probability of 0, which no
            network gives.

        Raises
        ------
        NotFittedError, ValueError
            As `predict_proba`.

        See Also
        --------
        predict_proba : The probabilities.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: MatrixLike) -> Any:
        """Return the most probable classes, or the labels of probability above one half.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels), or CSR matrix
            Classes, or an indicator in the form of the training target: sparse if that was
            sparse, without a dense matrix in between.

        Raises
        ------
        NotFittedError, ValueError
            As `predict_proba`.

        See Also
        --------
        predict_proba : The probabilities.
        predict_top_k : As many labels for every row.

        Examples
        --------
        >>> from scipy.sparse import csr_array
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0)
        >>> clf.fit(X, Y).predict(X[:3]).shape  # an array, as Y is one
        (3, 30)
        >>> clf.fit(X, csr_array(Y)).predict(X[:3]).format
        'csr'
        """
        check_is_fitted(self)
        form = self._target_form()
        if form.kind != "multilabel":
            return form.classes[self._class_codes(X)]
        if form.sparse:
            blocks = [sp.csr_array(block) for block in self._label_blocks(X)]
            return sp.csr_matrix(sp.vstack(blocks, format="csr").astype(form.dtype))
        return np.concatenate([*self._label_blocks(X)], dtype=form.dtype, casting="unsafe")

    @overload
    def predict_top_k(
        self, X: MatrixLike, k: int = 20, *, as_frame: Literal[False] = False
    ) -> TopK: ...

    @overload
    def predict_top_k(
        self, X: MatrixLike, k: int = 20, *, as_frame: Literal[True]
    ) -> "pd.DataFrame": ...

    def predict_top_k(
        self, X: MatrixLike, k: int = 20, *, as_frame: bool = False
    ) -> "TopK | pd.DataFrame":
        """Return the `k` most probable labels of every row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        k : int, default=20
            Number of labels; all of them if there are fewer.
        as_frame : bool, default=False
            Whether to return a table instead of arrays.

        Returns
        -------
        TopK
            The tuple ``(indices, scores)``, both of shape (n_samples, k), best first, ties to the
            lower index. ``label_names_[indices]`` are the names. The matrix of all probabilities
            is never made.

            With `as_frame`, a DataFrame with a row for each of them, see `predict_labels`.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If `k` is not a positive integer, and as `predict_proba`.

        See Also
        --------
        predict : The labels of probability above one half.
        predict_labels : The best labels by their names, as many for each row as reach a threshold.
        sk_yt8m.metrics.gap_score : One of the metrics that take the result.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
        >>> indices, scores = clf.predict_top_k(X[:3], k=5)
        >>> indices.shape, bool((scores[:, :-1] >= scores[:, 1:]).all())
        ((3, 5), True)
        >>> clf.predict_top_k(X[:3], k=5, as_frame=True).columns.tolist()
        ['id', 'rank', 'label', 'name', 'score']
        """
        k = check_k(k)
        check_is_fitted(self)
        best = self._top_k(X, k)
        if not as_frame:
            return best
        return top_k_table(row_ids(X, len(best.indices)), best, self._target_form().names)

    @overload
    def predict_labels(
        self,
        X: MatrixLike,
        k: int | None = 5,
        threshold: npt.ArrayLike | None = None,
        *,
        as_frame: Literal[False] = False,
    ) -> list[list[tuple[Any, float]]]: ...

    @overload
    def predict_labels(
        self,
        X: MatrixLike,
        k: int | None = 5,
        threshold: npt.ArrayLike | None = None,
        *,
        as_frame: Literal[True],
    ) -> "pd.DataFrame": ...

    def predict_labels(
        self,
        X: MatrixLike,
        k: int | None = 5,
        threshold: npt.ArrayLike | None = None,
        *,
        as_frame: bool = False,
    ) -> "list[list[tuple[Any, float]]] | pd.DataFrame":
        """Return the names of the best labels of every row, with their scores.

        Rows are predicted in blocks: the matrix of all probabilities is never made.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        k : int or None, default=5
            Largest number of labels of a row, the most probable ones. None means all labels that
            reach the threshold.
        threshold : float or array-like of shape (n_labels,), default=None
            Lowest probability of a label, or one for each label, as
            `sk_yt8m.metrics.choose_thresholds` finds them. A label is predicted if its probability
            is the threshold or higher. With both, labels below their threshold are left out of the
            `k` best. None means no threshold. The index of a Series must be `label_names_`.
        as_frame : bool, default=False
            Whether to return a table instead of lists.

        Returns
        -------
        list of list of tuple (name, float), or DataFrame
            The labels of each row, best first, ties to the lower index; a row may have none. Names
            are those of `label_names_`: for binary and multiclass targets, the classes.

            With `as_frame`, a tidy DataFrame with a row for each label, and the columns ``id`` (the
            number of the row of `X`, or the index of a DataFrame or Series), ``rank`` from 1,
            ``label`` (the number of the column), ``name`` and ``score``. A row without labels is
            not in it.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If `k` is not a positive integer, or None without a threshold; if `threshold` is not a
            number or one for each label, and as `predict_proba`.
        TypeError
            If `threshold` is a masked array.

        See Also
        --------
        predict_top_k : As many labels for every row, as arrays.
        sk_yt8m.metrics.choose_thresholds : Thresholds from validation data.

        Examples
        --------
        >>> import pandas as pd
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=3, n_features=8, random_state=0, return_X_y=True)
        >>> Y = pd.DataFrame(Y, columns=["game", "music", "sport"])
        >>> clf = DeepMultiLabelClassifier((32,), random_state=0).fit(X, Y)
        >>> [[name for name, score in row] for row in clf.predict_labels(X[:2], k=1)]
        [['game'], ['music']]
        >>> table = clf.predict_labels(X[:2], k=None, threshold=0.3, as_frame=True)
        >>> table[["id", "rank", "label", "name"]]
           id  rank  label   name
        0   0     1      0   game
        1   0     2      1  music
        2   1     1      1  music
        3   1     2      0   game
        """
        if k is not None:
            k = check_k(k)
        elif threshold is None:
            raise ValueError(
                "k must be an integer of at least 1 if there is no threshold, got None: with "
                "k=None give a threshold, with k=len(clf.label_names_) every label is predicted"
            )
        check_is_fitted(self)
        names = self._target_form().names
        lowest = check_threshold(threshold, names)
        if k is not None:
            lists = LabelLists.of_top_k(self._top_k(X, k), lowest)
        else:
            assert lowest is not None
            lists = LabelLists.of_blocks(self._probability_blocks(X), lowest)
        return lists.table(X, names) if as_frame else lists.pairs(names)

    def score(
        self, X: MatrixLike, y: MatrixLike, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Return GAP@20 for multilabel targets, accuracy for others.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples,) or (n_samples, n_labels)
            True classes or labels, with the names and the order of the training target. Of tags,
            write ``SparseIndicator.from_tags(tags, clf.label_names_)``.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        float
            The score, from 0 to 1.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If `y` has other labels than in training, or in another order, and as `predict_proba`.

        See Also
        --------
        sk_yt8m.metrics.get_scorer : Other metrics, for scikit-learn's ``scoring``.
        sk_yt8m.metrics.gap_score : The definition of GAP.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
        >>> from sk_yt8m.metrics import gap_score
        >>> clf.score(X, Y) == gap_score(Y, clf.predict_top_k(X, k=20))
        True
        """
        check_is_fitted(self)
        form = self._target_form()
        form.check_labels(y)
        if form.kind == "multilabel":
            best = self.predict_top_k(X)
            return float(gap_score(as_pandas(y), best, sample_weight=sample_weight))
        return accuracy(y, self.predict(X), sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.classifier_tags.multi_label = True
        tags.input_tags.sparse = True
        return tags


def best_labels(probabilities: np.ndarray, k: int) -> TopK:
    """Return the `k` highest of each row, ties to the lower index."""
    best = select_top_k(probabilities, min(k, probabilities.shape[1]))
    assert best is not None, "probabilities hold no NaN"
    return TopK(*best)
