"""Slow, obvious twins of the metrics: plain loops over plain lists.

They take dense lists of rows and are written from the definitions alone, so that the fast versions
can be compared with them. Weights are applied by definition, one for each row. A score of None
says that the row does not have this label at all: see `of_rated`.
"""

import math


def ranking(scores):
    """Labels of one row by descending score, of equal scores the lower label first."""
    labels = [label for label in range(len(scores)) if scores[label] is not None]
    return sorted(labels, key=lambda label: (-scores[label], label))


def of_rated(y_true, y_score, rated, weights=None):
    """The same rows without the pairs that were not rated, and without rows that have no other."""
    weights = weights or [1] * len(y_true)
    kept = [row for row in range(len(y_true)) if any(rated[row])]
    pairs = [(y_true[row], y_score[row], rated[row]) for row in kept]
    truth = [[t if r else 0 for t, r in zip(ts, rs, strict=True)] for ts, _, rs in pairs]
    score = [[s if r else None for s, r in zip(ss, rs, strict=True)] for _, ss, rs in pairs]
    return truth, score, [weights[row] for row in kept]


def average_precision(entries, n_positives):
    """Average precision of (score, is_true, weight) entries; equal scores are one threshold."""
    if n_positives == 0:
        return 0.0
    total = 0.0
    for threshold in {score for score, _, _ in entries}:
        listed = sum(weight for score, _, weight in entries if score >= threshold)
        found = sum(weight for score, true, weight in entries if true and score >= threshold)
        gained = sum(weight for score, true, weight in entries if true and score == threshold)
        if listed > 0:
            total += gained * found / listed
    return total / n_positives


def gap(y_true, y_score, k=20, weights=None):
    weights = weights or [1] * len(y_true)
    pool = []
    n_positives = 0
    for truth, scores, weight in zip(y_true, y_score, weights, strict=True):
        n_positives += weight * sum(truth)
        for label in ranking(scores)[:k]:
            pool.append((scores[label], truth[label] == 1, weight))
    return average_precision(pool, n_positives)


def f1_threshold(entries, n_positives):
    """The score with the highest F1 of (score, is_true, weight) entries, of equal ones the highest.

    None if no entry is true.
    """
    best = 0.0
    chosen = None
    for threshold in sorted({score for score, _, weight in entries if weight}, reverse=True):
        listed = sum(weight for score, _, weight in entries if score >= threshold)
        found = sum(weight for score, true, weight in entries if true and score >= threshold)
        f1 = 2 * found / (listed + n_positives)
        if f1 > best:
            best, chosen = f1, threshold
    return chosen


def precision_threshold(entries, min_precision):
    """The lowest score of a true entry at which the precision is reached; infinity if at none.

    None if no entry is true.
    """
    precise = []
    candidates = {score for score, true, weight in entries if true and weight}
    for threshold in candidates:
        listed = sum(weight for score, _, weight in entries if score >= threshold)
        found = sum(weight for score, true, weight in entries if true and score >= threshold)
        if found / listed >= min_precision:
            precise.append(threshold)
    return min(precise, default=math.inf) if candidates else None


def thresholds(
    y_true, y_score, per_label=False, k=None, min_precision=None, min_positives=1, weights=None
):
    weights = weights or [1] * len(y_true)
    entries = [[] for _ in y_true[0]]
    for truth, scores, weight in zip(y_true, y_score, weights, strict=True):
        for label in ranking(scores)[:k]:
            entries[label].append((scores[label], truth[label] == 1, weight))

    def choose(entries, n_positives):
        if min_precision is None:
            return f1_threshold(entries, n_positives)
        return precision_threshold(entries, min_precision)

    counts = [
        sum(weight * truth[label] for truth, weight in zip(y_true, weights, strict=True))
        for label in range(len(entries))
    ]
    common = choose([entry for own in entries for entry in own], sum(counts))
    if not per_label:
        return common
    values = []
    for own, count in zip(entries, counts, strict=True):
        n_true = sum(1 for _, true, weight in own if true and weight)
        values.append(choose(own, count) if n_true >= min_positives else common)
    return values


def hit_at_k(y_true, y_score, k=1, weights=None):
    values = []
    for truth, scores in zip(y_true, y_score, strict=True):
        hit = any(truth[label] == 1 for label in ranking(scores)[:k])
        values.append(1.0 if hit else 0.0)
    return weighted_mean(values, weights)


def precision_at_equal_recall_rate(y_true, y_score, weights=None):
    values = []
    for truth, scores in zip(y_true, y_score, strict=True):
        n_true = sum(truth)
        found = sum(truth[label] for label in ranking(scores)[:n_true])
        values.append(found / n_true if n_true else 0.0)
    return weighted_mean(values, weights)


def mean_average_precision(y_true, y_score, k=None, absent="ignore", weights=None):
    weights = weights or [1] * len(y_true)
    n_labels = len(y_true[0])
    values = []
    for label in range(n_labels):
        entries = []
        n_positives = 0
        for truth, scores, weight in zip(y_true, y_score, weights, strict=True):
            n_positives += weight * truth[label]
            if label in ranking(scores)[:k]:
                entries.append((scores[label], truth[label] == 1, weight))
        if n_positives > 0:
            values.append(average_precision(entries, n_positives))
        elif absent == "zero":
            values.append(0.0)
    return sum(values) / len(values) if values else 0.0


def mean_reciprocal_rank(y_true, y_score, k=None, weights=None):
    values = []
    for truth, scores in zip(y_true, y_score, strict=True):
        value = 0.0
        for place, label in enumerate(ranking(scores)[:k], start=1):
            if truth[label] == 1:
                value = 1 / place
                break
        values.append(value)
    return weighted_mean(values, weights)


def label_reciprocal_rank(y_true, y_score, groups=None, weights=None):
    values = []
    for truth, scores in zip(y_true, y_score, strict=True):
        order = ranking(scores)
        ranks = [order.index(label) + 1 for label in range(len(truth)) if truth[label] == 1]
        values.append(sum(1 / rank for rank in ranks) / len(ranks) if ranks else 0.0)
    if groups is None:
        return weighted_mean(values, weights)
    weights = weights or [1] * len(values)
    means = []
    for group in set(groups):
        rows = [row for row in range(len(values)) if groups[row] == group]
        if any(weights[row] for row in rows):
            means.append(weighted_mean([values[r] for r in rows], [weights[r] for r in rows]))
    return sum(means) / len(means)


def weighted_mean(values, weights=None):
    weights = weights or [1] * len(values)
    products = [value * weight for value, weight in zip(values, weights, strict=True)]
    return sum(products) / sum(weights)


def precision_at_k(y_true, y_score, k=1, weights=None):
    values = []
    for truth, scores in zip(y_true, y_score, strict=True):
        best = ranking(scores)[:k]
        values.append(sum(truth[label] for label in best) / len(best))
    return weighted_mean(values, weights)


def recall_at_k(y_true, y_score, k=20, weights=None):
    values = []
    for truth, scores in zip(y_true, y_score, strict=True):
        found = sum(truth[label] for label in ranking(scores)[:k])
        values.append(found / sum(truth) if sum(truth) else 0.0)
    return weighted_mean(values, weights)


def gain(worths):
    """Discounted gain of a list of worths, best place first."""
    return sum(worth / math.log2(place + 1) for place, worth in enumerate(worths, start=1))


def ndcg_at_k(y_true, y_score, k=20, weights=None):
    values = []
    for truth, scores in zip(y_true, y_score, strict=True):
        found = gain([truth[label] for label in ranking(scores)[:k]])
        ideal = gain(sorted(truth, reverse=True)[:k])
        values.append(found / ideal if ideal else 0.0)
    return weighted_mean(values, weights)


def propensities(y_true, a=0.55, b=1.5, weights=None):
    weights = weights or [1] * len(y_true)
    c = max(math.log(sum(weights)) - 1, 0) * (b + 1) ** a
    values = []
    for label in range(len(y_true[0])):
        count = sum(weight for truth, weight in zip(y_true, weights, strict=True) if truth[label])
        values.append(1 / (1 + c * (count + b) ** -a))
    return values


def propensity_scored(y_true, y_score, k, chance, weights, value):
    """Ratio of the sum over rows of a value of the top k to that of the best possible top k."""
    weights = weights or [1] * len(y_true)
    reached = possible = 0.0
    for truth, scores, weight in zip(y_true, y_score, weights, strict=True):
        worth = [true / p for true, p in zip(truth, chance, strict=True)]
        reached += weight * value([worth[label] for label in ranking(scores)[:k]], sum(truth))
        possible += weight * value(sorted(worth, reverse=True)[:k], sum(truth))
    return reached / possible if possible else 0.0


def psp_at_k(y_true, y_score, k=5, chance=None, weights=None):
    return propensity_scored(
        y_true, y_score, k, chance, weights, lambda worths, n_true: sum(worths)
    )


def psndcg_at_k(y_true, y_score, k=5, chance=None, weights=None):
    def value(worths, n_true):
        return gain(worths) / gain([1] * min(len(worths), n_true)) if n_true else 0.0

    return propensity_scored(y_true, y_score, k, chance, weights, value)


def starter_code_gap(y_true, y_score, k=20):
    """GAP as the YouTube-8M starter code computes it, for scores without ties.

    Its calculator walks down the sorted list once, and at each hit adds the precision so far times
    the recall that one positive is worth.
    """
    kept = []
    n_positives = 0
    for truth, scores in zip(y_true, y_score, strict=True):
        n_positives += sum(truth)
        best = sorted(((score, label) for label, score in enumerate(scores)), reverse=True)[:k]
        kept.extend((score, truth[label]) for score, label in best)
    kept.sort(reverse=True)
    recall_step = 1.0 / n_positives if n_positives else 0.0
    area = 0.0
    hits = 0
    for place, (_, true) in enumerate(kept, start=1):
        if true:
            hits += 1
            area += hits / place * recall_step
    return area


def starter_code_map(y_true, y_score, k=20):
    """Mean of the per-label walks over the videos that have the label in their top k."""
    n_labels = len(y_true[0])
    kept = [[] for _ in range(n_labels)]
    for truth, scores in zip(y_true, y_score, strict=True):
        best = sorted(((score, label) for label, score in enumerate(scores)), reverse=True)[:k]
        for score, label in best:
            kept[label].append((score, truth[label]))
    areas = []
    for label in range(n_labels):
        n_positives = sum(truth[label] for truth in y_true)
        if not n_positives:
            continue
        hits, area = 0, 0.0
        for place, (_, true) in enumerate(sorted(kept[label], reverse=True), start=1):
            if true:
                hits += 1
                area += hits / place
        areas.append(area / n_positives)
    return sum(areas) / len(areas) if areas else 0.0
