"""The metrics by names such as ``"hit@7"``."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sk_yt8m.metrics._definitions.gap import gap_score
from sk_yt8m.metrics._definitions.hit import hit_at_k_score, hit_terms
from sk_yt8m.metrics._definitions.label_reciprocal_rank import (
    label_reciprocal_rank_score,
    lrr_terms,
)
from sk_yt8m.metrics._definitions.mean_average_precision import mean_average_precision_score
from sk_yt8m.metrics._definitions.mean_reciprocal_rank import (
    mean_reciprocal_rank_score,
    mrr_terms,
)
from sk_yt8m.metrics._definitions.ndcg import ndcg_at_k_score, ndcg_terms
from sk_yt8m.metrics._definitions.per_sample import SampleTerms
from sk_yt8m.metrics._definitions.perr import (
    most_true_labels,
    perr_terms,
    precision_at_equal_recall_rate_score,
)
from sk_yt8m.metrics._definitions.precision_recall import (
    precision_at_k_score,
    precision_terms,
    recall_at_k_score,
    recall_terms,
)
from sk_yt8m.metrics._definitions.propensity import (
    psndcg_at_k_score,
    psndcg_terms,
    psp_at_k_score,
    psp_terms,
)
from sk_yt8m.metrics._inputs.true_labels import TrueLabels
from sk_yt8m.metrics._scoring.near_names import MOST_DIGITS, near_name

#: How many labels a metric needs: a number, the largest number of true labels of a sample, or all.
Need = int | Literal["true labels", "all"]


@dataclass(frozen=True)
class Family:
    """Metrics that differ only in ``k``."""

    #: The public function.
    score: Callable[..., float]
    #: Whether a number may follow an ``@``: its argument ``k``.
    takes_k: bool
    #: How many labels it needs without a number; None if a number is required.
    plain_need: Literal["true labels", "all"] | None
    #: The numbers under which `scorer_names` lists it; None stands for no number.
    usual: tuple[int | None, ...]
    #: Its `SampleTerms`, from true labels and scores; None if it is no sum over samples.
    terms: Callable[..., SampleTerms] | None = None
    #: Whether it has an argument ``propensities``.
    takes_propensities: bool = False
    #: Whether each label has a list of its own, instead of one list for all.
    per_label: bool = False


FAMILIES = {
    "gap": Family(gap_score, True, None, (20,)),
    "hit": Family(hit_at_k_score, True, None, (1, 5, 20), hit_terms),
    "perr": Family(precision_at_equal_recall_rate_score, False, "true labels", (None,), perr_terms),
    "map": Family(mean_average_precision_score, True, "all", (20, None), per_label=True),
    "mrr": Family(mean_reciprocal_rank_score, True, "all", (20, None), mrr_terms),
    "lrr": Family(label_reciprocal_rank_score, False, "all", (None,), lrr_terms),
    "precision": Family(precision_at_k_score, True, None, (1, 3, 5), precision_terms),
    "recall": Family(recall_at_k_score, True, None, (5, 20), recall_terms),
    "ndcg": Family(ndcg_at_k_score, True, None, (5, 20), ndcg_terms),
    "psp": Family(psp_at_k_score, True, None, (1, 3, 5), psp_terms, takes_propensities=True),
    "psndcg": Family(psndcg_at_k_score, True, None, (3, 5), psndcg_terms, takes_propensities=True),
}


_NAME = re.compile(rf"([a-z]+)(?:@([1-9][0-9]{{0,{MOST_DIGITS - 1}}}))?")

#: The most usual name of each family.
_USUAL = {
    name: name if family.usual[0] is None else f"{name}@{family.usual[0]}"
    for name, family in FAMILIES.items()
}
#: The families by names that may be meant by them: their own, and those of the functions.
_STEMS = {
    **{re.sub("(_at_k)?_score$", "", FAMILIES[name].score.__name__): name for name in FAMILIES},
    **{name: name for name in FAMILIES},
    "global_average_precision": "gap",
}


@dataclass(frozen=True)
class Metric:
    """A metric of a name such as ``"hit@7"``: its family, and the number after the ``@``."""

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
        """The public function's arguments that the name stands for."""
        return {} if self.k is None else {"k": self.k}

    def options_with(self, propensities: Any) -> dict[str, Any]:
        """Return the same, with the propensities if it takes them."""
        more = {"propensities": propensities} if self.family.takes_propensities else {}
        return {**self.options, **more}


def width_of(need: Need, labels: TrueLabels) -> int:
    """Return a need as a number of labels."""
    if need == "all":
        return labels.n_labels
    if need == "true labels":
        return most_true_labels(labels)
    return min(need, labels.n_labels)


def find_metric(name: object, others: Sequence[str] = ()) -> Metric:
    """Return the metric of this name, or raise ValueError, which suggests a near name, if any.

    Others are names that the caller takes, too.
    """
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    family = FAMILIES.get(match[1]) if match else None
    if match and family:
        k = int(match[2]) if match[2] else None
        if family.takes_k if k else family.plain_need:
            return Metric(match[0], family, k)
        usual = _USUAL[match[1]]
        right = f"takes no number, write {usual!r}" if k else f"takes a number, as {usual}"
        raise ValueError(f"there is no metric {name!r}: {match[1]} {right}.")
    near = near_name(name, _STEMS, _USUAL, others) if isinstance(name, str) else None
    meant = "" if near is None else f": did you mean {near!r}?"
    more = "" if not others else ", and the names of scikit-learn's scorers"
    raise ValueError(
        f"there is no metric {name!r}{meant or ';'} {'T' if meant else 't'}he metrics are "
        f"{', '.join(metric_names())}, and the same with any other number{more}."
    )


def metric_names() -> list[str]:
    """Return the usual names, family by family."""
    return [
        name if k is None else f"{name}@{k}"
        for name, family in FAMILIES.items()
        for k in family.usual
    ]


def find_metrics(names: Sequence[str]) -> list[Metric]:
    """Return the metrics of these names; ValueError if there is none or one is repeated."""
    if isinstance(names, str) or not len(names):
        raise ValueError(f"metrics must be a list of names, got {names!r}.")
    repeated = [name for name in names if list(names).count(name) > 1]
    if repeated:
        raise ValueError(f"metrics must name a metric once; {repeated[0]!r} is repeated.")
    return [find_metric(name) for name in names]
