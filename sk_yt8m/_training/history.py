"""What a training has given so far."""

from dataclasses import dataclass, field

from sk_yt8m._network.architecture import Weights


@dataclass(frozen=True)
class PartialEpoch:
    """The steps taken of an epoch that is not complete."""

    n_steps: int = 0
    loss_sum: float = 0.0
    weight_sum: float = 0.0

    @property
    def loss(self) -> float:
        """Mean loss of the rows."""
        return self.loss_sum / self.weight_sum


@dataclass(frozen=True)
class History:
    """Losses, scores and times of the complete epochs, and the weights to keep.

    It is replaced, never changed, so that an interrupt at any moment leaves a consistent one.

    Attributes
    ----------
    losses, scores : list of float
        Training loss, and validation score if there is validation data, of each epoch.
    seconds : list of float
        From the first step to the end of each epoch.
    weights : Weights
        The best weights if there is a score; set at the end otherwise.
    part : PartialEpoch
        The epoch that is not complete.
    elapsed : float
        Seconds since the first step.
    n_seen : int
        Rows trained on, set at the end.
    interrupted : bool
        Whether a KeyboardInterrupt ended the training.
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    weights: Weights = field(default_factory=dict)
    part: PartialEpoch = PartialEpoch()
    elapsed: float = 0.0
    n_seen: int = 0
    interrupted: bool = False
