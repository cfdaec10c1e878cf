"""What a fitted classifier keeps: a network's structure, target and weights, in plain numpy."""

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._network.architecture import Architecture, Weights

if TYPE_CHECKING:
    from sk_yt8m._network.predictor import Predictor

_BUILDING = threading.Lock()


@dataclass
class FittedNetwork:
    """A trained network that can be pickled; its predictors are compiled when first needed.

    Attributes
    ----------
    architecture : Architecture
        Structure of the network.
    form : TargetForm
        What its outputs stand for.
    weights : Weights
        Its weights by name.
    """

    architecture: Architecture
    form: TargetForm
    weights: Weights
    _predictors: dict[str, "Predictor"] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def predictor(self, precision: str = "float32") -> "Predictor":
        """Return the network compiled for a precision; several threads may ask at once."""
        with _BUILDING:
            if precision not in self._predictors:
                from sk_yt8m._network.folding import fold
                from sk_yt8m._network.predictor import Predictor

                layers = fold(self.architecture, self.weights)
                self._predictors[precision] = Predictor(layers, self.form.out_activation, precision)
            return self._predictors[precision]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_predictors": {}}
