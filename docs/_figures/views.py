"""Tables that are made of several records."""

from collections.abc import Callable

from _figures.records import Figures, FiguresError, NotMeasuredError, Table, merged

#: What the summary of quality compares: name, table, row, and what it is.
QUALITY = [
    ("most frequent labels", "baselines.methods", "label frequencies"),
    ("20 nearest videos", "baselines.methods", "20 nearest videos"),
    ("ridge regression", "baselines.methods", "ridge regression"),
    ("the course notebook", "notebook.figures", None),
    ("preset `fast`", "quality-fast.seeds", "mean"),
    ("preset `default`", "quality-default.seeds", "mean"),
    ("preset `wide`", "quality-wide.seeds", "mean"),
    ("preset `neighbors`", "quality-neighbors.seeds", "mean"),
    ("preset `best`", "quality-best.seeds", "mean"),
]
#: The contenders of the summary of speed: name here, and in the records.
SPEED = [
    ("sk_yt8m", "sk_yt8m, plain"),
    ("torch loop, bfloat16", "torch loop, bfloat16, fused AdamW"),
    ("torch loop, float32", "torch loop, float32, fused AdamW"),
    ("Keras `fit`", "Keras fit, float32"),
    ("scikeras", "scikeras"),
    ("skorch", "skorch"),
    ("`MLPClassifier`", "MLPClassifier"),
]
#: The small problems of the summary.
SMALL = (
    "5 labels",
    "5 labels, noisy",
    "20 labels",
    "20 labels, noisy",
    "14 labels, 2,500 rows",
    "nonlinear, 2,500 rows",
    "wine",
)
CLASSIFIERS = {
    "default": "sk_yt8m",
    "MLPClassifier": "`MLPClassifier`",
    "forest": "random forest",
    "SVM": "SVM",
}


def quality(figures: Figures) -> Table:
    """Return GAP@20 and Hit@1 of simple methods, the notebook and the presets."""
    rows, tables = [], []
    for name, reference, row in QUALITY:
        table = figures.table(reference)
        tables.append(table)
        if row is None:
            here = dict(zip(table.column("figure"), table.column("here"), strict=True))
        else:
            here = table.row(row).records()[0]
        rows.append([name, here["GAP@20"], here["Hit@1"]])
    return merged(["", "GAP@20", "Hit@1"], rows, tables)


def presets(figures: Figures) -> Table:
    """Return quality, cost and size of the presets."""
    native = figures.table("quality-amx.recipes")
    seconds = dict(zip(native.column("recipe"), native.column("seconds"), strict=True))
    rows, tables = [], [native]
    for name in ("fast", "default", "wide", "neighbors", "best"):
        seeds = figures.table(f"quality-{name}.seeds")
        made = seeds.mean().records()[0]
        cost = figures.table(f"quality-{name}.prediction")
        tables += [seeds, cost]
        prediction = cost.records()[0]
        rows.append(
            [
                f"`{name}`",
                *(made[column] for column in ("GAP@20", "Hit@1")),
                next((s for recipe, s in seconds.items() if recipe.startswith(f"`{name}`")), None),
                made["processor s"],
                *(prediction[column] for column in ("processor s", "file MB")),
            ]
        )
    columns = ["preset", "GAP@20", "Hit@1", "bfloat16 s", "training", "prediction", "file MB"]
    return merged(columns, rows, tables)


def speed(figures: Figures) -> Table:
    """Return videos a second in training, with and without bfloat16 units."""
    tables = [figures.table("fit-amx.speed"), figures.table("fit.speed")]
    found = [
        dict(zip(table.column(table.columns[0]), table.column("videos/s"), strict=True))
        for table in tables
    ]
    rows = [
        [name, *(speeds.get(key) for speeds in found)]
        for name, key in SPEED
        if any(key in speeds for speeds in found)
    ]
    return merged(["", "with bfloat16", "without"], rows, tables)


def small_data(figures: Figures) -> Table:
    """Return the scores of each classifier on the small problems of the summary."""
    table = figures.table("small_data.scores")
    scores: dict[str, dict[str, float]] = {}
    for row in table.records():
        scores.setdefault(row["problem"], {})[row["classifier"]] = row["score"]
    rows = [
        [problem, *(scores[problem].get(name) for name in CLASSIFIERS)]
        for problem in SMALL
        if problem in scores
    ]
    return merged(["problem", *CLASSIFIERS.values()], rows, [table])


def small_data_costs(figures: Figures) -> Table:
    """Return processor seconds of a fit of each classifier on each small problem."""
    table = figures.table("small_data.scores")
    taken: dict[str, dict[str, float]] = {}
    for row in table.records():
        taken.setdefault(row["problem"], {})[row["classifier"]] = row["processor s"]
    rows = [
        [problem, *(by_name.get(name) for name in CLASSIFIERS)]
        for problem, by_name in taken.items()
        if any(value is not None for value in by_name.values())
    ]
    if not rows:
        raise FiguresError("no processor seconds in small_data.json")
    return merged(["problem", *CLASSIFIERS.values()], rows, [table])


def small_data_differences(figures: Figures) -> Table:
    """Return the score of the default, and the others' differences with their errors."""
    table = figures.table("small_data.scores")
    rows: dict[str, list] = {}
    for row in table.records():
        if row["classifier"] == "default":
            rows[row["problem"]] = [row["problem"], row["score"]]
        else:
            shown = f"{row['difference']:+.4f} ± {row['error']:.4f}"
            rows[row["problem"]].append(shown)
    columns = ["problem", "default", "2000 – 3200", "`MLPClassifier`", "random forest", "SVM"]
    return merged(columns, rows.values(), [table])


def held_out(figures: Figures) -> Table:
    """Return the quality of networks on validation videos and on others."""
    rows, tables = [], []
    for preset, record in (("fast", "quality-held-out-fast"), ("default", "quality-held-out")):
        if record not in figures.found:
            continue
        for videos, table in (("validation", "seeds"), ("held out", "held out")):
            found = figures.table(f"{record}.{table}")
            mean = found.mean().records()[0]
            tables.append(found)
            rows.append([f"`{preset}`", videos, mean["GAP@20"], mean["Hit@1"]])
    if not rows:
        raise NotMeasuredError("no record of videos that were held out")
    return merged(["preset", "videos", "GAP@20", "Hit@1"], rows, tables)


VIEWS: dict[str, Callable[[Figures], Table]] = {
    "quality": quality,
    "presets": presets,
    "speed": speed,
    "small_data": small_data,
    "small_data_costs": small_data_costs,
    "small_data_differences": small_data_differences,
    "held_out": held_out,
}
