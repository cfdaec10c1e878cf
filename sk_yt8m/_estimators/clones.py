"""Clones that know that they are clones."""

from typing import TYPE_CHECKING, Any, Self

from sklearn.base import clone

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator as _Base
else:
    _Base = object


class MarkedClones(_Base):
    """An estimator whose clones are marked: searches and cross-validation fit clones only."""

    _is_clone = False

    def __sklearn_clone__(self) -> Self:
        copy = super().__sklearn_clone__()
        copy._is_clone = True
        return copy

    def _part(self, estimator: Any) -> Any:
        """Return an unfitted copy of a part of this estimator, a marked one if this is."""
        copy = clone(estimator)
        if isinstance(copy, MarkedClones) and not self._is_clone:
            del copy._is_clone
        return copy
