"""The family of metrics under short names such as ``"hit@7"``."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sk_yt8m.metrics._definitions.gap import gap_score
from sk_yt8m.metrics._definitions.hit import hit_at_k_score, hit_shares
from sk_yt8m.metrics._definitions.label_reciprocal_rank import (
    label_reciprocal_rank_score,
    lrr_shares,
)
from sk_yt8m.metrics._definitions.mean_average_precision import mean_average_precision_score
from sk_yt8m.metrics._definitions.mean_reciprocal_rank import (
    mean_reciprocal_rank_score,
    mrr_shares,
    mrr_shares_of_all,
)
from sk_yt8m.metrics._definitions.ndcg import ndcg_at_k_score, ndcg_shares
from sk_yt8m.metrics._definitions.perr import (
    most_true_labels,
    perr_shares,
    precision_at_equal_recall_rate_score,
)
from sk_yt8m.metrics._definitions.precision_recall import (
    precision_at_k_score,
    precision_shares,
    recall_at_k_score,
    recall_shares,
)
from sk_yt8m.metrics._definitions.propensity import (
    psndcg_at_k_score,
    psndcg_shares,
    psp_at_k_score,
    psp_shares,
)
from sk_yt8m.metrics._inputs.true_labels import TrueLabels

#: How many labels a metric needs: so many, as many as the sample with most true labels has, or all.
Need = int | Literal["true labels", "all"]


@dataclass(frozen=True)
class Family:
    """Metrics that differ in ``k`` alone.

    Parameters
    ----------
    score : callable
        The public function.
    k_name : str or None
        Its argument that takes the number behind the ``@``; None where there is no such number.
    plain_need : "true labels", "all" or None
        What the metric needs without a number; None where there must be one.
    usual : tuple of int or None
        The numbers under which `scorer_names` lists the family; None stands for no number.
    shares : callable or None
        Its `Shares` with a number, from a `Ranked`; None where it is no sum over samples.
    plain_shares : callable or None
        Its `Shares` without a number, from the true labels and the scores.
    takes_propensities : bool
        Whether the function has an argument ``propensities``.
    """

    score: Callable[..., float]
    k_name: str | None
    plain_need: Literal["true labels", "all"] | None
    usual: tuple[int | None, ...]
    shares: Callable[..., Any] | None = None
    plain_shares: Callable[..., Any] | None = None
    takes_propensities: bool = False


FAMILIES = {
    "gap": Family(gap_score, "k", None, (20,)),
    "hit": Family(hit_at_k_score, "k", None, (1, 5, 20), hit_shares),
    "perr": Family(
        precision_at_equal_recall_rate_score,
        None,
        "true labels",
        (None,),
        plain_shares=perr_shares,
    ),
    "map": Family(mean_average_precision_score, "top_k", "all", (20, None)),
    "mrr": Family(
        mean_reciprocal_rank_score, "k", "all", (20, None), mrr_shares, mrr_shares_of_all
    ),
    "lrr": Family(label_reciprocal_rank_score, None, "all", (None,), plain_shares=lrr_shares),
    "precision": Family(precision_at_k_score, "k", None, (1, 3, 5), precision_shares),
    "recall": Family(recall_at_k_score, "k", None, (5, 20), recall_shares),
    "ndcg": Family(ndcg_at_k_score, "k", None, (5, 20), ndcg_shares),
    "psp": Family(psp_at_k_score, "k", None, (1, 3, 5), psp_shares, takes_propensities=True),
    "psndcg": Family(psndcg_at_k_score, "k", None, (3, 5), psndcg_shares, takes_propensities=True),
}


@dataclass(frozen=True)
class Metric:
    """A metric with its number, as a name such as ``"hit@7"`` tells it.

    Parameters
    ----------
    name : str
        The name.
    family : Family
        What it is one of.
    k : int or None
        The number behind the ``@``.
    """

    name: str
    family: Family
    k: int | None

    @property
    def need(self) -> Need:
        """How many labels of each sample it needs."""
        if self.k is not None:
            return self.k
        assert self.family.plain_need is not None
        return self.family.plain_need

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of the public function that the name stands for."""
        return {} if self.k is None else {str(self.family.k_name): self.k}

    @property
    def shares(self) -> Callable[..., Any] | None:
        """Its `Shares`, from a `Ranked` with a number, from true labels and scores without."""
        return self.family.plain_shares if self.k is None else self.family.shares


def width_of(need: Need, labels: TrueLabels) -> int:
    """Return the number of labels of each sample that a metric with this need takes."""
    if need == "all":
        return labels.n_labels
    if need == "true labels":
        return most_true_labels(labels)
    return min(need, labels.n_labels)


def find_metric(name: object) -> Metric:
    """Return the metric of this name, or raise ValueError where there is none."""
    match = (
        re.fullmatch(r"([a-z]+)(?:@([1-9][0-9]{0,8}))?", name) if isinstance(name, str) else None
    )
    family = FAMILIES.get(match[1]) if match else None
    if match and family:
        k = int(match[2]) if match[2] else None
        if (family.k_name if k else family.plain_need) is not None:
            return Metric(match[0], family, k)
        right = (
            f"{match[1]} takes no number" if k else f"{match[1]} takes a number, as {match[1]}@5"
        )
        raise ValueError(f"there is no metric {name!r}: {right}.")
    raise ValueError(
        f"there is no metric {name!r}; the metrics are {', '.join(metric_names())}, and the same "
        "with any other number."
    )


def metric_names() -> list[str]:
    """Return the usual names, those of one family side by side."""
    return [
        name if k is None else f"{name}@{k}"
        for name, family in FAMILIES.items()
        for k in family.usual
    ]


def find_metrics(names: Sequence[str]) -> list[Metric]:
    """Return the metrics of these names, each of which may come once."""
    if isinstance(names, str) or not len(names):
        raise ValueError(f"metrics must be a list of names, got {names!r}.")
    repeated = [name for name in names if list(names).count(name) > 1]
    if repeated:
        raise ValueError(f"metrics must name a metric once; {repeated[0]!r} comes again.")
    return [find_metric(name) for name in names]
