"""Speed and memory of GAP@20 beside the YouTube-8M starter code's algorithm and other packages.

    python examples/benchmarks/metrics.py               # all parts, about two minutes
    python examples/benchmarks/metrics.py --part dense

Data are made up: 3,862 labels, Zipf frequencies, about 3 true labels a video, scores that put most
of them among the best. Times are the shortest of several runs, taken in turns. Packages that are
not installed are named and left out.
"""

import argparse
import heapq
import importlib
import pickle
import random
import time
from collections.abc import Callable

import numpy as np
from _memory import measured
from _record import add_options, write
from scipy.sparse import csr_array
from sklearn.metrics import average_precision_score, ndcg_score, top_k_accuracy_score

from sk_yt8m.metrics import (
    StreamingEvaluator,
    average_precision_per_label,
    evaluation_report,
    gap_score,
    hit_at_k_score,
    label_propensities,
    ndcg_at_k_score,
    precision_at_k_score,
    psp_at_k_score,
)

N_LABELS, K = 3862, 20


def make_true_labels(n_videos: int, rng: np.random.Generator) -> csr_array:
    """Draw one to five labels a video, the frequent ones often."""
    counts = rng.integers(1, 6, n_videos)
    indptr = np.concatenate([[0], counts.cumsum()])
    first = (N_LABELS * rng.random(n_videos) ** 4).astype(np.int32)
    step = rng.integers(1, 700, n_videos)
    nth = np.arange(indptr[-1]) - np.repeat(indptr[:-1], counts)
    indices = (np.repeat(first, counts) + nth * np.repeat(step, counts)) % N_LABELS
    ones = np.ones(len(indices), np.uint8)
    y_true = csr_array((ones, indices.astype(np.int32), indptr), shape=(n_videos, N_LABELS))
    y_true.sort_indices()
    return y_true


def make_top_k(y_true: csr_array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Put the true labels of three videos of four among their twenty best."""
    n_videos = y_true.shape[0]
    first = rng.integers(0, N_LABELS, (n_videos, 1), dtype=np.int32)
    indices = (first + 193 * np.arange(K, dtype=np.int32)) % N_LABELS
    label = y_true.indices[y_true.indptr[:-1]]
    lucky = rng.random(n_videos) < 0.75
    place = rng.integers(0, 5, n_videos)
    there = (indices == label[:, None]).any(axis=1)
    rows = np.flatnonzero(lucky & ~there)
    indices[rows, place[rows]] = label[rows]
    scores = np.sort(rng.random((n_videos, K), dtype=np.float32), axis=1)[:, ::-1]
    return indices, np.ascontiguousarray(scores)


def make_scores(y_true: csr_array, rng: np.random.Generator) -> np.ndarray:
    """Give probabilities without ties, high ones to most true labels."""
    logits = rng.standard_normal(y_true.shape, dtype=np.float32) * 1.5 - 7
    rows = np.repeat(np.arange(y_true.shape[0]), np.diff(y_true.indptr))
    logits[rows, y_true.indices] += rng.normal(6, 2, len(rows)).astype(np.float32)
    return 1 / (1 + np.exp(-logits))


def starter_code_gap(predictions: np.ndarray, actuals: np.ndarray, k: int) -> float:
    """Compute GAP@k in the steps of the starter code's ``calculate_gap``, restated.

    A partition and a list of triplets for each video, lists and a column sum for each label, one
    heap of pairs for all, a shuffle, a sort by key, one walk.
    """
    found = []
    for scores, truth in zip(predictions, actuals, strict=True):
        best = np.argpartition(scores, -k)[-k:]
        found.extend([(label, scores[label], truth[label]) for label in best])
    n_labels = predictions.shape[1]
    by_label: list[list[tuple[float, int]]] = [[] for _ in range(n_labels)]
    for label, score, true in found:
        by_label[label].append((score, true))
    n_positives = sum(int(np.sum(actuals[:, label])) for label in range(n_labels))

    heap: list[tuple[float, int]] = []
    for pair in (pair for pairs in by_label for pair in pairs):
        heapq.heappush(heap, pair)
    pooled, truths = np.array(list(zip(*heap, strict=True)))
    shuffled = random.Random(0).sample(range(len(pooled)), len(pooled))
    pooled, truths = pooled[shuffled], truths[shuffled]
    order = sorted(range(len(pooled)), key=lambda place: pooled[place], reverse=True)
    area, hits = 0.0, 0
    for place, entry in enumerate(order, start=1):
        if truths[entry] > 0:
            hits += 1
            area += hits / place / n_positives
    return area


def shortest(runs: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the shortest time of each, run in turns so that all see the same machine."""
    times = dict.fromkeys(runs, float("inf"))
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name] = min(times[name], time.perf_counter() - start)
    return times


def show(times: dict[str, float], ours: str) -> list[dict[str, object]]:
    rows = []
    for name, taken in times.items():
        ratio = "" if name == ours else f"{taken / times[ours]:8.1f} x"
        print(f"  {name:58}{1000 * taken:9.1f} ms{ratio}")
        rows.append({"what": name, "ms": 1000 * taken, "ratio": taken / times[ours]})
    return rows


def million(n_videos: int) -> dict[str, list]:
    """Measure a million videos, as top k and CSR."""
    rng = np.random.default_rng(0)
    y_true = make_true_labels(n_videos, rng)
    top = make_top_k(y_true, rng)
    weight = rng.random(n_videos)
    propensities = label_propensities(y_true)
    print(f"{n_videos:,} videos x {N_LABELS:,} labels, top {K} and CSR")
    runs: dict[str, Callable[[], object]] = {
        "GAP@20": lambda: gap_score(y_true, top),
        "GAP@20, weighted": lambda: gap_score(y_true, top, sample_weight=weight),
        "Hit@20": lambda: hit_at_k_score(y_true, top, k=20),
        "nDCG@20": lambda: ndcg_at_k_score(y_true, top),
        "PSP@5": lambda: psp_at_k_score(y_true, top, propensities=propensities),
        "AP of each label, top 20": lambda: average_precision_per_label(y_true, top, k=20),
    }
    rows = []
    for name, run in runs.items():
        with measured() as memory:
            start = time.perf_counter()
            run()
            taken = time.perf_counter() - start
        print(f"  {name:30}{taken:8.2f} s, {memory.added:6.0f} MB on top of the data")
        rows.append({"what": name, "s": taken, "MB": memory.added})

    evaluator = StreamingEvaluator(["gap@20"])
    with measured() as memory:
        start = time.perf_counter()
        for first in range(0, n_videos, 10_000):
            block = slice(first, first + 10_000)
            evaluator.update(y_true[block], (top[0][block], top[1][block]))
        result = evaluator.result()["gap@20"]
        taken = time.perf_counter() - start
    size = len(pickle.dumps(evaluator)) / 2**20
    same = "equal to the bit" if result == gap_score(y_true, top) else "NOT EQUAL"
    print(
        f"  {'GAP@20 in batches of 10,000':30}{taken:8.2f} s, {memory.added:6.0f} MB; "
        f"state {size:.0f} MB; {same}"
    )
    rows.append({"what": "GAP@20 in batches of 10,000", "s": taken, "MB": memory.added})
    return {"million": rows}


def dense(n_videos: int) -> dict[str, list]:
    """Compare dense scores with the starter code's algorithm and with scikit-learn."""
    rng = np.random.default_rng(1)
    y_true = make_true_labels(n_videos, rng)
    actuals, scores = y_true.toarray(), make_scores(y_true, rng)
    print(f"\ndense scores, {n_videos:,} videos x {N_LABELS:,} labels, float32")
    difference = gap_score(y_true, scores) - starter_code_gap(scores, actuals, K)
    print(f"  GAP@20 = {gap_score(y_true, scores):.6f}, starter code {difference:+.1e}")
    ours = "sk_yt8m gap_score, CSR y_true"
    runs: dict[str, Callable[[], object]] = {
        ours: lambda: gap_score(y_true, scores),
        "sk_yt8m gap_score, dense y_true": lambda: gap_score(actuals, scores),
        "starter code's algorithm": lambda: starter_code_gap(scores, actuals, K),
    }
    starter = show(shortest(runs, repeats=20), ours)

    few = slice(0, n_videos // 4)
    y_few, actuals, scores = y_true[few], actuals[few], scores[few]
    print(f"  scikit-learn's closest functions, {len(scores):,} videos")
    ours = "sk_yt8m gap_score, k = all labels"
    runs = {
        ours: lambda: gap_score(y_few, scores, k=N_LABELS),
        "average_precision_score, micro": lambda: average_precision_score(
            actuals, scores, average="micro"
        ),
    }
    closest = show(shortest(runs, repeats=3), ours)
    ours = "sk_yt8m ndcg_at_k_score, k = 20"
    runs = {
        ours: lambda: ndcg_at_k_score(y_few, scores),
        "ndcg_score, k = 20": lambda: ndcg_score(actuals, scores, k=K),
        "ndcg_score, k = 20, ignore_ties": lambda: ndcg_score(
            actuals, scores, k=K, ignore_ties=True
        ),
    }
    closest += show(shortest(runs, repeats=3), ours)
    label = y_few.indices[y_few.indptr[:-1]]
    single = np.eye(N_LABELS, dtype=np.uint8)[label]
    ours = "sk_yt8m hit_at_k_score, k = 20, one true label"
    runs = {
        ours: lambda: hit_at_k_score(single, scores, k=K),
        "top_k_accuracy_score, k = 20": lambda: top_k_accuracy_score(
            label, scores, k=K, labels=np.arange(N_LABELS)
        ),
    }
    closest += show(shortest(runs, repeats=3), ours)
    return {"dense": starter, "scikit-learn": closest}


def others(n_videos: int) -> dict[str, list]:
    """Compare with the libraries of extreme classification, where they are installed."""
    rng = np.random.default_rng(2)
    y_true = make_true_labels(n_videos, rng)
    indices, scores = make_top_k(y_true, rng)
    lists = [list(map(int, row[:5])) for row in indices]
    truth = [row.tolist() for row in np.split(y_true.indices, y_true.indptr[1:-1])]
    inverse = 1 / label_propensities(y_true)
    print(f"\nlibraries of extreme classification, {n_videos:,} videos, top 5")
    ours = "sk_yt8m precision_at_k_score and psp_at_k_score, k = 5"
    runs: dict[str, Callable[[], object]] = {
        ours: lambda: (
            precision_at_k_score(y_true, (indices, scores), k=5),
            psp_at_k_score(y_true, (indices, scores), k=5, propensities=1 / inverse),
        )
    }
    napkin = optional("napkinxc.metrics")
    if napkin:
        runs["napkinXC precision_at_k and psprecision_at_k"] = lambda: (
            napkin.precision_at_k(truth, lists, k=5)[-1],
            napkin.psprecision_at_k(truth, lists, inverse, k=5)[-1],
        )
    xclib = optional("xclib.evaluation.xc_metrics")
    if xclib:
        ranked = csr_array(
            (scores.ravel(), indices.ravel(), np.arange(0, indices.size + 1, K)), shape=y_true.shape
        )
        runs["xclib precision and psprecision"] = lambda: (
            xclib.precision(ranked, y_true, k=5)[-1],
            xclib.psprecision(ranked, y_true, inverse, k=5)[-1],
        )
    for name, run in runs.items():
        print(f"  {name:58}{np.round(run(), 6)}")
    return {"others": show(shortest(runs, repeats=3), ours)}


def optional(module: str):
    try:
        return importlib.import_module(module)
    except ImportError:
        print(f"  {module.split('.')[0]} is not installed")
        return None


def report(n_videos: int) -> dict[str, list]:
    """Measure the report with its thousand resamples."""
    rng = np.random.default_rng(3)
    y_true = make_true_labels(n_videos, rng)
    scores = make_scores(y_true, rng)
    with measured() as memory:
        start = time.perf_counter()
        evaluation_report(y_true, scores, random_state=0)
        taken = time.perf_counter() - start
    print(f"\nevaluation_report, {n_videos:,} videos, dense scores, 1,000 resamples")
    print(f"  {taken:.1f} s, {memory.added:.0f} MB on top of the data")
    return {"report": [{"videos": n_videos, "s": taken, "MB": memory.added}]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = {"million": million, "dense": dense, "others": others, "report": report}
    sizes = {"million": 1_000_000, "dense": 2000, "others": 20_000, "report": 5679}
    parser.add_argument("--part", choices=parts, help="one part alone")
    parser.add_argument("--videos", type=int, help="number of videos in place of the usual one")
    add_options(parser)
    args = parser.parse_args()
    tables: dict[str, list] = {}
    for name in [args.part] if args.part else parts:
        tables |= parts[name](args.videos or sizes[name])
    write(args, tables, packages=["napkinxc"])


if __name__ == "__main__":
    main()
