"""Rows of several modalities, each scaled to length 1."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import validate_data

from sk_yt8m._estimators.documented import Documented
from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.types import MatrixLike
from sk_yt8m._sklearn import fit_context

#: Rows scaled at a time, so that temporary arrays are small.
_BLOCK_ROWS = 1024


class ModalityNormalizer(Documented, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scale the features of each modality of a row to Euclidean length 1.

    Where rows consist of several vectors, such as 1,024 visual and 128 audio features, this is
    `sklearn.preprocessing.Normalizer` for each of them. A vector of zeros stays as it is.

    Read more in the :ref:`User Guide <presets>`.

    Parameters
    ----------
    modalities : dict of str to int, default=None
        Name and number of features of each modality, in the order of the columns of `X`. None
        means that all features are of one modality.

    Attributes
    ----------
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` was a DataFrame with string column names.

    See Also
    --------
    NormalizedModalitiesClassifier : A classifier of such rows, which can be saved.
    sklearn.preprocessing.Normalizer : The same for rows of one modality.

    Notes
    -----
    It is stateless: `transform` needs no `fit`, and checks the number of features itself.

    Examples
    --------
    >>> from sk_yt8m import ModalityNormalizer
    >>> X = [[3.0, 4.0, 0.5], [0.0, 0.0, -2.0]]
    >>> ModalityNormalizer({"rgb": 2, "audio": 1}).fit_transform(X)
    array([[ 0.6,  0.8,  1. ],
           [ 0. ,  0. , -1. ]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"modalities": [dict, None]}

    def __init__(self, modalities: dict[str, int] | None = None) -> None:
        self.modalities = modalities

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: MatrixLike, y: object = None) -> Self:
        """Check the number of features.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : None
            Ignored.

        Returns
        -------
        ModalityNormalizer
            The transformer itself.

        Raises
        ------
        TypeError
            If `X` is a masked array, whose mask would be ignored.
        ValueError
            If the modalities have another number of features together than `X`, or a value of `X`
            is not finite.

        Examples
        --------
        >>> from sk_yt8m import ModalityNormalizer
        >>> ModalityNormalizer({"rgb": 2, "audio": 1}).fit([[3.0, 4.0, 0.5]]).n_features_in_
        3
        """
        self._checked(X, reset=True)
        return self

    def transform(self, X: MatrixLike) -> Any:
        """Scale the features.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        {ndarray, CSR matrix} of shape (n_samples, n_features)
            In float64, or in float32 if `X` is of float32 or float16. Sparse if `X` is sparse.

        Raises
        ------
        TypeError, ValueError
            As `fit` raises them, and for another number or other names of features than `fit` saw.

        Examples
        --------
        >>> from sk_yt8m import ModalityNormalizer
        >>> ModalityNormalizer({"rgb": 2, "audio": 1}).transform([[3.0, 4.0, 0.5]])
        array([[0.6, 0.8, 1. ]])
        """
        self._validate_params()
        features = self._checked(X, reset=False)
        if sp.issparse(features):
            return self._scaled_sparse(features)
        scaled = np.empty(features.shape, dtype=_result_type(features.dtype))
        for start in range(0, len(features), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            for columns in self._columns(features.shape[1]):
                scaled[rows, columns] = _unit_rows(features[rows, columns].astype(scaled.dtype))
        return scaled

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _checked(self, X: Any, *, reset: bool) -> Any:
        refuse_masked(X, "X")
        types = [np.float64, np.float32, np.float16]
        X = validate_data(self, X, accept_sparse="csr", dtype=types, reset=reset)
        list(self._columns(X.shape[1]))
        return X

    def _columns(self, n_features: int) -> Iterator[slice]:
        """Yield the columns of each modality, or raise a ValueError if they are not all columns."""
        if self.modalities is None:
            yield slice(0, n_features)
            return
        widths = check_modalities(self.modalities)
        total = sum(widths.values())
        if total != n_features:
            shown = " + ".join(f"{width} ({name})" for name, width in widths.items())
            raise ValueError(
                f"modalities must have as many features as X together: {shown} = {total}, but X "
                f"has {n_features} features"
            )
        start = 0
        for width in widths.values():
            yield slice(start, start + width)
            start += width

    def _scaled_sparse(self, X: Any) -> Any:
        """Return a CSR matrix of the same structure."""
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        data = X.data.astype(_result_type(X.dtype))
        columns = list(self._columns(X.shape[1]))
        modality = np.searchsorted([one.stop for one in columns], X.indices, side="right")
        rows = np.repeat(np.arange(X.shape[0], dtype=np.int64), np.diff(X.indptr))
        vector = rows * len(columns) + modality
        n_vectors = X.shape[0] * len(columns)
        largest = np.zeros(n_vectors, dtype=data.dtype)
        np.maximum.at(largest, vector, np.abs(data))
        data = np.ldexp(data, -np.frexp(largest)[1][vector])
        lengths = np.sqrt(np.bincount(vector, np.square(data, dtype=np.float64), n_vectors))
        lengths[lengths == 0] = 1
        scaled = X.astype(data.dtype)
        scaled.data = (data / lengths[vector]).astype(data.dtype)
        return scaled


def check_modalities(modalities: Any) -> dict[str, int]:
    """Return names and widths of modalities, or raise a ValueError if they are none."""
    if not isinstance(modalities, dict) or not modalities:
        raise ValueError(
            "modalities must be a dict of names and numbers of features, as {'rgb': 1024, "
            f"'audio': 128}}, got {modalities!r}"
        )
    for name, width in modalities.items():
        integral = isinstance(width, Integral) and not isinstance(width, bool)
        if not isinstance(name, str) or not integral or width < 1:
            raise ValueError(
                "modalities must have names that are strings and numbers of features that are "
                f"integers of at least 1, got {name!r}: {width!r}"
            )
    return {name: int(width) for name, width in modalities.items()}


def _result_type(dtype: np.dtype) -> np.dtype:
    """Return float32 for float16, in which a length of 1 is too coarse."""
    return np.promote_types(dtype, np.float32)


def _unit_rows(block: np.ndarray) -> np.ndarray:
    """Return rows divided by their Euclidean norms; rows of zeros stay."""
    # Squares of large numbers would overflow, those of small ones vanish; powers of 2 are exact.
    largest = np.abs(block).max(axis=1, keepdims=True)
    block = np.ldexp(block, -np.frexp(largest)[1])
    lengths = np.sqrt(np.einsum("ij,ij->i", block, block))[:, np.newaxis]
    lengths[lengths == 0] = 1
    return block / lengths
