"""A fitted network together with the state that its training continues from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, Weights
from sk_yt8m._network.fitted_network import FittedNetwork

if TYPE_CHECKING:
    from sk_yt8m._training.steps.fusion import Fusion
    from sk_yt8m._training.steps.numbers import StepOptions
    from sk_yt8m._training.trainer import Trainer


class OngoingTraining:
    """A fitted network that `partial_fit` may continue to train.

    The state of the training is a trainer on the device after `partial_fit`, and arrays in a pickle
    or a model file.

    Parameters
    ----------
    network : FittedNetwork
        The network.
    state : Weights or None
        What `Trainer.state` returned; None for a new optimiser.
    """

    def __init__(self, network: FittedNetwork, state: Weights | None = None) -> None:
        self._network = network
        self._state = state
        self._trainer: Trainer | None = None
        self._is_behind = False

    @property
    def network(self) -> FittedNetwork:
        """The network; its weights are copied from the trainer when they are asked for."""
        if self._is_behind and self._trainer is not None:
            self._network = replace(self._network, weights=self._trainer.weights())
            self._is_behind = False
        return self._network

    @property
    def form(self) -> TargetForm:
        """What the outputs stand for."""
        return self._network.form

    @property
    def architecture(self) -> Architecture:
        """The structure of the network."""
        return self._network.architecture

    @property
    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and scale of the features, float64, which training does not change."""
        return self._network.weights[MEAN], self._network.weights[SCALE]

    def state(self) -> Weights | None:
        """Return the state of the training as arrays; None if there is none."""
        return self._state if self._trainer is None else self._trainer.state()

    @contextmanager
    def trainer(
        self, architecture: Architecture, options: "StepOptions", seed: int, fusion: "Fusion"
    ) -> "Iterator[Trainer]":
        """Yield a trainer that continues the training; an error leaves the state as before."""
        from sk_yt8m._training.trainer import Trainer, kind_of_training

        kind = kind_of_training(architecture, options, fusion)
        if self._trainer is not None and self._trainer.kind == kind:
            trainer = self._trainer
            trainer.configure(architecture, options, seed)
            roll_back = trainer.hold()
        else:
            if self._trainer is not None:
                self._copy_state().close()
            weights = self._network.weights
            trainer = Trainer(architecture, weights, options, seed, fusion)
            roll_back = None
        try:
            if roll_back is None:
                trainer.restore(self._state)
            yield trainer
        except BaseException as error:
            if roll_back is not None:
                roll_back()
                self._copy_state()
            trainer.__exit__(type(error))
            raise
        self._trainer, self._state, self._is_behind = trainer, None, True

    def name_labels(self, form: TargetForm) -> None:
        """Take the label names of a form if there were none before."""
        self._network = replace(self._network, form=self._network.form.named_as(form))

    def _copy_state(self) -> "Trainer":
        """Keep the state as arrays and return the trainer, which is not used any more."""
        trainer = self._trainer
        assert trainer is not None
        self._network, self._state, self._trainer = self.network, trainer.state(), None
        return trainer

    def __getstate__(self) -> dict[str, Any]:
        return {
            "_network": self.network,
            "_state": self.state(),
            "_trainer": None,
            "_is_behind": False,
        }
