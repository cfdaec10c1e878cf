"""Classifiers by the name of their recipe."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from sklearn.utils import check_random_state

from sk_yt8m._inputs.types import RandomState
from sk_yt8m.classifier import DeepMultiLabelClassifier
from sk_yt8m.ensemble import AveragingClassifier
from sk_yt8m.neighbors import DeepNeighborsClassifier
from sk_yt8m.presets.modalities import check_modalities
from sk_yt8m.presets.normalized import NormalizedModalitiesClassifier

#: Parameters of the presets that are one network.
_NETWORKS: dict[str, dict[str, Any]] = {
    "fast": {"max_iter": 2, "dropout": 0.0, "input_dropout": 0.0},
    "default": {},
    "wide": {"hidden_layer_sizes": (3000, 6400), "n_heads": 2, "max_iter": 15},
}
#: Parameters of networks whose inputs are normalised; they overfit sooner.
_STRONGER = {"weight_decay": 0.15, "dropout": 0.55}
#: Networks of "best" by name: whether their inputs are normalised, and their parameters.
_BEST: dict[str, tuple[bool, dict[str, Any]]] = {
    "normalized": (True, _STRONGER),
    "normalized_wide": (True, {**_STRONGER, "hidden_layer_sizes": (3000, 3000)}),
    "normalized_gelu": (True, {**_STRONGER, "activation": "gelu"}),
    "standardized": (False, {}),
    "standardized_gelu": (False, {"activation": "gelu"}),
}
#: Presets whose classifiers normalise modalities.
WITH_MODALITIES = ("neighbors", "best")
PRESETS = (*_NETWORKS, *WITH_MODALITIES)


def make_classifier(
    preset: Literal["fast", "default", "wide", "neighbors", "best"] = "default",
    *,
    modalities: dict[str, int] | None = None,
    random_state: RandomState = None,
    **parameters: Any,
) -> DeepMultiLabelClassifier | NormalizedModalitiesClassifier | AveragingClassifier:
    """Make a classifier by the name of its recipe.

    =============  ===================================================================
    ``fast``       two epochs without dropout
    ``default``    `DeepMultiLabelClassifier` with its default parameters
    ``wide``       one network of twice the size, in two heads, fifteen epochs
    ``neighbors``  one network on normalised modalities, with its nearest training rows
    ``best``       the mean of five networks, each with its nearest training rows
    =============  ===================================================================

    Read more in the :ref:`User Guide <presets>`, which has their quality, times and sizes on
    YouTube-8M.

    Parameters
    ----------
    preset : {"fast", "default", "wide", "neighbors", "best"}, default="default"
        The recipe.
    modalities : dict of str to int, default=None
        Name and number of features of each modality, in the order of the columns of ``X``, as
        ``{"rgb": 1024, "audio": 128}``; if all features are of one modality, only that. The network
        of ``neighbors`` and three of ``best`` get each scaled to length 1, and their `fit` compares
        the sum with ``X``. Required for these two, and for the others to be None.
    random_state : int, RandomState instance or None, default=None
        Seed, for the same results in several calls. The networks of ``best`` have different ones,
        drawn from it.
    **parameters : dict
        Parameters of `DeepMultiLabelClassifier` in place of those of the recipe; with ``best`` of
        all its networks. Of `checkpoint_dir` each of these has a folder.

    Returns
    -------
    DeepMultiLabelClassifier, NormalizedModalitiesClassifier or AveragingClassifier
        The classifier, not fitted.

    Raises
    ------
    ValueError
        If there is no such preset or parameter, or modalities are missing, wrong or not used.

    See Also
    --------
    DeepMultiLabelClassifier : The network and all its parameters.
    AveragingClassifier, NormalizedModalitiesClassifier, DeepNeighborsClassifier : The parts of
        ``neighbors`` and ``best``.

    Examples
    --------
    >>> from sk_yt8m import make_classifier
    >>> make_classifier("fast", random_state=0)
    DeepMultiLabelClassifier(dropout=0.0, input_dropout=0.0, max_iter=2, random_state=0)
    >>> clf = make_classifier("best", modalities={"rgb": 1024, "audio": 128}, max_iter=10)
    >>> [name for name, _ in clf.estimators]
    ['normalized', 'normalized_wide', 'normalized_gelu', 'standardized', 'standardized_gelu']
    """
    if preset not in PRESETS:
        near = get_close_matches(str(preset), PRESETS, 1)
        raise ValueError(
            f"preset must be one of {', '.join(PRESETS)}, got {preset!r}"
            + (f": did you mean {near[0]!r}?" if near else "")
        )
    if preset in _NETWORKS:
        if modalities is not None:
            raise ValueError(
                f"modalities must be None for the preset {preset!r}, which does not use them, got "
                f"{modalities!r}"
            )
        return _network(_NETWORKS[preset], random_state, parameters)
    if modalities is None:
        raise ValueError(
            f"modalities must be given for the preset {preset!r}, as {{'rgb': 1024, 'audio': 128}}:"
            " the features of each are scaled to length 1; if all are of one modality, only that"
        )
    widths = check_modalities(modalities)
    if preset == "best":
        return _best(widths, random_state, parameters)
    network = _network(_STRONGER, random_state, parameters)
    return NormalizedModalitiesClassifier(DeepNeighborsClassifier(network), widths)


def _best(
    widths: dict[str, int], random_state: Any, parameters: dict[str, Any]
) -> AveragingClassifier:
    members = []
    seeds = _seeds(random_state)
    for (name, (normalized, recipe)), seed in zip(_BEST.items(), seeds, strict=True):
        own = dict(parameters)
        if own.get("checkpoint_dir") is not None:
            own["checkpoint_dir"] = str(Path(own["checkpoint_dir"]) / name)
        member: Any = DeepNeighborsClassifier(_network(recipe, seed, own))
        if normalized:
            member = NormalizedModalitiesClassifier(member, dict(widths))
        members.append((name, member))
    return AveragingClassifier(members)


def _network(
    recipe: dict[str, Any], random_state: Any, parameters: dict[str, Any]
) -> DeepMultiLabelClassifier:
    network = DeepMultiLabelClassifier(random_state=random_state)
    return network.set_params(**{**recipe, **parameters})


def _seeds(random_state: Any) -> list[int | None]:
    """Return a seed for each network of "best"; for the seed 0 those of the measured figures."""
    n_seeds = len(_BEST)
    if random_state is None:
        return [None] * n_seeds
    rng = check_random_state(random_state)
    if rng is random_state:
        return rng.randint(2**31 - 1, size=n_seeds).tolist()
    return [(n_seeds * int(random_state) + number) % 2**32 for number in range(n_seeds)]
