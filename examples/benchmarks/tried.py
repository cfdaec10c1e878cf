"""What changes the quality of one network with its neighbours on the course set, and what not.

    python examples/benchmarks/tried.py --data FOLDER --model FILE

FILE has the network of the preset "neighbors" with random_state=0; it is trained and written where
it is not there. Every row of the table changes one thing of the preset, and uses training videos
only; its difference is to the preset's GAP@20. The figures are of the validation videos, so that
the best row of many is a little too good.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from _record import add_options, write
from scipy.special import expit, logit
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import normalize

from sk_yt8m import DeepNeighborsClassifier, load, make_classifier
from sk_yt8m.datasets import load_csv
from sk_yt8m.metrics import gap_score, hit_at_k_score
from sk_yt8m.presets.modalities import ModalityNormalizer

MODALITIES = {"rgb": 1024, "audio": 128}
LIMIT = 200
TINY = 1e-7


def nearest(queries: np.ndarray, references: np.ndarray, density: object = 0.0) -> tuple:
    """Return the numbers and cosines of the nearest references, best first."""
    places, cosines = [], []
    for start in range(0, len(queries), 512):
        block = queries[start : start + 512] @ references.T - density
        best = np.argpartition(-block, LIMIT, axis=1)[:, :LIMIT]
        values = np.take_along_axis(block, best, axis=1)
        order = np.argsort(-values, axis=1)
        places.append(np.take_along_axis(best, order, axis=1))
        cosines.append(np.take_along_axis(values, order, axis=1))
    return np.concatenate(places), np.concatenate(cosines)


def mixture(found: tuple, n: int, k: int = 50, temperature: float = 1 / 30) -> sp.csr_array:
    """Return the weights of the `k` nearest of `n` references, a row for each query."""
    places, cosines = found[0][:, :k], found[1][:, :k]
    weights = np.exp((cosines - cosines[:, :1]) / temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    starts = np.arange(0, places.size + 1, k)
    return sp.csr_array((weights.ravel(), places.ravel(), starts), shape=(len(places), n))


def votes(found: tuple, labels: sp.csr_array, **options: float) -> np.ndarray:
    """Return the neighbours' labels, averaged."""
    return (mixture(found, labels.shape[0], **options) @ labels).toarray().astype(np.float32)


def spread(found: tuple) -> float:
    """Return the mean difference of the cosines of the first and the fiftieth neighbour."""
    return float((found[1][:, 0] - found[1][:, 49]).mean())


def spaces(hidden: tuple[np.ndarray, np.ndarray]) -> Iterator[tuple]:
    """Yield other neighbours: a name, places and cosines."""
    rng = np.random.default_rng(0)
    train, val = hidden
    mean = train.mean(axis=0)
    yield "activations less their mean", nearest(normalize(val - mean), normalize(train - mean))
    roots = [normalize(np.sqrt(np.maximum(part, 0))) for part in (val, train)]
    yield "square roots of the activations", nearest(*roots)
    del roots
    units, others = normalize(train), normalize(val)
    sample = units[rng.choice(len(units), min(4096, len(units)), replace=False)]
    density = np.concatenate(
        [
            np.partition(units[i : i + 512] @ sample.T, -5, axis=1)[:, -5:].mean(axis=1)
            for i in range(0, len(units), 512)
        ]
    )
    yield "cosines less half the density there", nearest(others, units, density / 2)
    first = nearest(others, units)
    expanded = normalize(others + mixture(first, len(units), k=10) @ units)
    yield "a second search from the mean of 10", nearest(expanded, units)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the course's CSV files")
    parser.add_argument("--model", type=Path, required=True, help="file of the network")
    add_options(parser)
    args = parser.parse_args()

    options = {"return_indicator": "sparse", "return_X_y": True}
    X, Y = load_csv(args.data, split="course-train", **options)
    X_val, Y_val = load_csv(args.data, split="course-val", **options)
    normalizer = ModalityNormalizer(MODALITIES).fit(np.array(X))
    X, X_val = normalizer.transform(np.array(X)), normalizer.transform(np.array(X_val))
    if args.model.exists():
        net = load(args.model)
    else:
        preset = make_classifier("neighbors", modalities=MODALITIES, random_state=0)
        net = preset.estimator.estimator.fit(X, Y)
        net.save(args.model)

    rows = []

    def show(name: str, scores: object, base: float | None = None) -> float:
        gap, hit = gap_score(Y_val, scores), hit_at_k_score(Y_val, scores, k=1)
        change = "" if base is None else f"{gap - base:+9.4f}"
        print(f"{name:60}{gap:8.4f}{hit:8.4f}{change}", flush=True)
        difference = None if base is None else gap - base
        shown = name.replace("  ", "– ")
        rows.append({"what": shown, "GAP@20": gap, "Hit@1": hit, "change": difference})
        return gap

    print(f"{'':60}{'GAP@20':>8}{'Hit@1':>8}{'change':>9}")
    preset = DeepNeighborsClassifier(FrozenEstimator(net)).fit(X, Y)
    show("the preset, as the package computes it", preset.predict_top_k(X_val))
    own = net.predict_proba(X_val)
    z = net.decision_function(X_val)
    hidden = net.hidden_activations(X), net.hidden_activations(X_val)
    found = nearest(normalize(hidden[1]), normalize(hidden[0]))
    labels = sp.csr_array(Y, dtype=np.float32)
    near = votes(found, labels)
    half = (own + near) / 2
    base = show("the same, computed here", half)
    show("the network alone", own, base)
    show("the neighbours alone", near, base)

    print("\nother means of the two")
    clipped = [np.clip(part, TINY, 1 - TINY) for part in (own, near)]
    for power in (0.5, 2.0):
        powers = sum(part**power for part in clipped) / 2
        show(f"power mean, {power}", powers ** (1 / power), base)
    for floor in (1e-3, 1e-2):
        odds = (logit(clipped[0]) + logit(np.clip(near, floor, 1 - floor))) / 2
        show(f"mean of the log-odds, neighbours at least {floor}", expit(odds), base)
    for share in (0.3, 0.4, 0.6):
        show(f"share of the neighbours {share}", (1 - share) * own + share * near, base)
    for temperature in (0.8, 1.25):
        show(f"logits of the network / {temperature}", (expit(z / temperature) + near) / 2, base)

    print("\nother weights of the neighbours")
    for k, inverse in ((20, 30), (50, 15), (50, 60), (100, 20), (100, 30), (200, 40)):
        other = votes(found, labels, k=k, temperature=1 / inverse)
        show(f"{k} neighbours at the temperature 1/{inverse}", (own + other) / 2, base)

    print("\nother neighbours")
    for name, other in spaces(hidden):
        # The temperature follows how far the cosines of 50 neighbours lie apart.
        scores = votes(other, labels, temperature=spread(other) / spread(found) / 30)
        show(name, (own + scores) / 2, base)
        both = own / 2 + (near + scores) / 4
        show("  a quarter of these, a quarter of the preset's", both, base)

    print("\nby label")
    counts = np.asarray(labels.sum(axis=0)).ravel()
    for name, share in (
        ("share .7 below 30 training videos, .4 above", np.where(counts < 30, 0.7, 0.4)),
        ("share .3 below 30 training videos, .55 above", np.where(counts < 30, 0.3, 0.55)),
        ("share 1 / (1 + (videos / 100) ** .25)", 1 / (1 + (counts / 100) ** 0.25)),
    ):
        show(name, (1 - share) * own + share * near, base)
    total, top = np.zeros(own.shape[1]), []
    for start in range(0, len(X), 4096):
        scores = net.predict_proba(X[start : start + 4096])
        total += scores.sum(axis=0, dtype=np.float64)
        top.append(sp.csr_array(np.where(scores >= 0.02, scores, 0)))
    for power in (0.25, 1.0):
        factors = ((counts + 1) / (total + 1)) ** power
        show(f"scaled to the frequency in training, ** {power}", half * factors, base)

    print("\nlabels that occur together")
    together = (labels.T @ labels).toarray()
    np.fill_diagonal(together, 0)
    given = together / np.maximum(counts, 1)[:, np.newaxis]
    confident = given * (counts >= 20)[:, np.newaxis]
    said = half @ confident.astype(np.float32)
    for share in (0.01, 0.02, 0.05, 0.1):
        show(f"{share} of what the other labels say, added", half + share * said, base)
    guesses = sp.vstack(top, format="csr")
    for share in (0.3, 1.0):
        soft = votes(found, (1 - share) * labels + share * guesses)
        show(f"neighbours' labels, {share} of them as the network predicts", (own + soft) / 2, base)

    print("\nby video")
    sums = half.sum(axis=1, keepdims=True)
    for power in (-0.25, 0.25, 0.5, 1.0):
        show(f"divided by the sum over labels ** {power}", half / sums**power, base)
    agreement = (own * near).sum(axis=1, keepdims=True)
    for power in (0.1, 0.25):
        show(f"times the agreement of the two ** {power}", half * agreement**power, base)
    nearness = found[1][:, :10].mean(axis=1, keepdims=True)
    near_share = np.clip(nearness / nearness.mean() / 2, 0.2, 0.8)
    show("share by the cosine of the nearest 10", (1 - near_share) * own + near_share * near, base)
    write(args, {"tried": rows}, seeds=[0])


if __name__ == "__main__":
    main()
