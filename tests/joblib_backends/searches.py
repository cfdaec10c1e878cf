"""Searches, folds and an ensemble over a small store, and a scorer that kills its process."""

import os
import signal
from pathlib import Path

import numpy as np
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, KFold, cross_val_score
from small_problem import small

from sk_yt8m import AveragingClassifier, SparseIndicator
from sk_yt8m.datasets import convert, make_videos
from sk_yt8m.metrics import gap_scorer

RATES = {"learning_rate_init": [0.005, 0.01, 0.02, 0.04]}


def make_store(folder):
    """Return a store whose arrays are much larger than a task."""
    videos = make_videos(2000, n_labels=40, n_features=60, random_state=0)
    return convert((videos.data, videos.target), folder)


def grid(store, scoring=gap_scorer, cv=None):
    search = GridSearchCV(small(), RATES, scoring=scoring, cv=cv or KFold(2), refit=False)
    return search.fit(store.X, store.Y).cv_results_["mean_test_score"]


def halving(store):
    search = HalvingRandomSearchCV(
        *(small(), RATES),
        scoring=gap_scorer,
        cv=KFold(2),
        n_candidates=4,
        min_resources=400,
        random_state=0,
    )
    return search.fit(store.X, store.Y).cv_results_["mean_test_score"]


def folds(store):
    Y = SparseIndicator(store.Y)
    return cross_val_score(small(), store.X, Y, scoring=gap_scorer, cv=KFold(2))


def ensemble(store):
    parts = [(f"seed {seed}", small(random_state=seed)) for seed in range(2)]
    clf = AveragingClassifier(parts, n_jobs=2).fit(store.X, store.Y)
    return [clf.score(store.X[:300], store.Y[:300])]


def optuna_search(store):
    import optuna
    from optuna_integration import OptunaSearchCV

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rates = {"learning_rate_init": optuna.distributions.FloatDistribution(0.005, 0.04)}
    search = OptunaSearchCV(
        *(small(), rates), scoring=gap_scorer, cv=KFold(2), n_trials=2, random_state=0, refit=False
    )
    search.fit(store.X, SparseIndicator(store.Y))
    return [trial.value for trial in search.trials_]


SEARCHES = {call.__name__: call for call in (grid, halving, folds, ensemble, optuna_search)}


class KillsOnce:
    """A scorer of which one call, counted over all processes, kills its process.

    Parameters
    ----------
    folder : Path
        An empty folder, in which the calls are counted.
    call : int
        Number of the call, from 0.
    """

    def __init__(self, folder: Path, call: int) -> None:
        self.folder, self.call = folder, call

    def __call__(self, clf, X, y):
        number = 0
        while True:
            try:
                os.close(os.open(self.folder / str(number), os.O_CREAT | os.O_EXCL))
                break
            except FileExistsError:
                number += 1
        if number == self.call:
            os.kill(os.getpid(), signal.SIGKILL)
        return gap_scorer(clf, X, y)


def lists(cv, X):
    """Return the folds of a splitter as lists of row numbers."""
    return [tuple(rows.tolist() for rows in fold) for fold in cv.split(X)]


def described(*objects):
    """Return type, sum and process of arrays, as another process sees them."""
    return [(type(one).__name__, float(np.sum(one)), os.getpid()) for one in objects]


def imported_tensorflow():
    """Return TensorFlow's threads and the warnings of its import in a new process."""
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import sk_yt8m._tensorflow  # noqa: F401
    messages = [str(one.message) for one in caught if "OMP_NUM_THREADS" in str(one.message)]
    return os.environ.get("TF_NUM_INTRAOP_THREADS"), messages
