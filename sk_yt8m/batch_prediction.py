"""`predict_to_parquet`: the best labels of a store of any size, on one machine or on many."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

from sklearn.utils.validation import check_is_fitted

from sk_yt8m._batch_prediction.engines import ENGINES, run_here, run_on_dask, run_on_ray
from sk_yt8m._batch_prediction.job import Job, fingerprint, forget, missing_parts, remove_drafts
from sk_yt8m._estimators.predictions import Predictions
from sk_yt8m._files.atomic_write import open_atomically
from sk_yt8m._inputs.types import PathLike
from sk_yt8m._loading import load
from sk_yt8m._sklearn import Interval, StrOptions, validate_params
from sk_yt8m.datasets._formats.parquet_reader import check_pyarrow
from sk_yt8m.datasets._store.open_store import Store, open_store


@validate_params(
    {
        "store": [str, os.PathLike, Store],
        "folder": [str, os.PathLike],
        "k": [Interval(Integral, 1, None, closed="left")],
        "label_names": ["array-like", None],
        "block_size": [Interval(Integral, 1, None, closed="left")],
        "engine": [StrOptions(set(ENGINES))],
        "n_workers": [Interval(Integral, 1, None, closed="left"), None],
        "ray_options": [dict, None],
        "progress": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def predict_to_parquet(
    classifier: Predictions | PathLike,
    store: PathLike | Store,
    folder: PathLike,
    k: int = 20,
    *,
    label_names: Sequence[str] | None = None,
    block_size: int = 2**16,
    engine: Literal["local", "dask", "ray"] = "local",
    n_workers: int | None = None,
    ray_options: dict[str, Any] | None = None,
    progress: bool = False,
) -> list[Path]:
    """Write the best labels of all rows of a store to Parquet files, a file a block of rows.

    ``pandas.read_parquet(folder)`` reads them all, in the order of the rows. After a kill the same
    call continues: blocks whose file is complete are not predicted again.

    Read more in the :ref:`User Guide <scaling>`.

    Parameters
    ----------
    classifier : fitted classifier of this package, or path
        The classifier, or its model file from `save`. Workers load the file once a process. For
        them a classifier is written into the folder, as a model file or, for those that are
        composed of others, as a pickle.
    store : path or Store
        The store, from :func:`sk_yt8m.datasets.convert`. Workers open it at the same path.
    folder : path
        Folder for the files, which is made if it is not there. Nothing else may be in it.
    k : int, default=20
        Number of labels of a row; all of them if there are fewer.
    label_names : array-like of shape (n_labels,), optional
        Names of the labels, such as ``load_vocabulary()["name"]``; by default those that the
        classifier knows.
    block_size : int, default=65536
        Rows of a file. A process holds the features of a block, at 4 bytes a feature.
    engine : {"local", "dask", "ray"}, default="local"
        Where blocks are predicted: in this process, one after the other; as tasks of Dask, by the
        client that is active; or by actors of Ray Data, for which Ray is started on this machine if
        it is not running. The store and the folder must be at the
        same paths on all machines.
    n_workers : int, optional
        For Ray: number of actors, by default one for each machine. On Dask, the client decides.
    ray_options : dict, optional
        For Ray: other options of `ray.data.Dataset.map_batches`, such as ``num_cpus`` or
        ``num_gpus`` of an actor. By default actors share the cores of a machine.
    progress : bool, default=False
        Show a progress bar, where blocks are predicted in this process.

    Returns
    -------
    list of Path
        The files, in the order of the rows.

        They have the columns ``id`` (of the store, or the number of the row, from 0), for segments
        ``start``, then ``rank`` from 1, ``label``, ``name`` and ``score``: k rows for each row of
        the store, as from ``sk-yt8m predict``. Labels and scores are those of
        ``classifier.predict_top_k(store.X[rows], k)`` for the rows of the block.

    Raises
    ------
    NotFittedError
        If the classifier is not fitted.
    ValueError
        If the folder has parts of another model, store, `k`, `block_size` or `label_names`: the
        message says of which. If the number of features or names is another than the classifier's.
    FileExistsError
        If the folder has files that are not of a prediction.
    ImportError
        If pyarrow or the engine is not installed: ``pip install "sk-yt8m[dask]"`` or
        ``"sk-yt8m[ray]"``.
    OSError
        If a worker does not find the store, the model or the folder, or the files that it wrote are
        not in the folder here.

    See Also
    --------
    DeepMultiLabelClassifier.predict_top_k : The best labels of arrays in memory.

    Notes
    -----
    Each file has a fingerprint of model, store, `k`, `block_size` and names, and checksums. A file
    that is damaged is written again, with a warning. Files appear when they are complete. A worker
    that dies loses the block at which it was; blocks that were finished are found, not repeated.

    A worker with another number of threads or another processor adds up in another order: scores
    differ by up to 1e-6, and labels whose scores are so close may change places.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from sk_yt8m import DeepMultiLabelClassifier, predict_to_parquet
    >>> from sk_yt8m.datasets import convert, make_videos
    >>> X, Y = make_videos(100, n_labels=30, n_features=20, random_state=0, return_X_y=True)
    >>> clf = DeepMultiLabelClassifier((32,), max_iter=3, random_state=0).fit(X, Y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = convert((X, Y), f"{folder}/store")
    ...     parts = predict_to_parquet(clf, store, f"{folder}/labels", k=5, block_size=40)
    ...     [part.name for part in parts]
    ...     best = pd.read_parquet(f"{folder}/labels")
    ['part-00000.parquet', 'part-00001.parquet', 'part-00002.parquet']
    >>> best.columns.tolist(), best.shape
    (['id', 'rank', 'label', 'name', 'score'], (500, 5))
    """
    check_pyarrow()
    for name, value in {"n_workers": n_workers, "ray_options": ray_options}.items():
        if value is not None and engine != "ray":
            raise ValueError(f'{name} must be None but for engine="ray", got {value!r}')
    folder = Path(os.path.abspath(folder))
    opened = store if isinstance(store, Store) else open_store(store)
    with tempfile.TemporaryDirectory(prefix="sk-yt8m-") as drafts:
        given = classifier if isinstance(classifier, (str, os.PathLike)) else None
        clf = classifier if given is None else load(given)
        names = _checked_names(clf, opened, label_names)
        if given is not None:
            model = Path(os.path.abspath(given))
            identity = _sha256(model)
        else:
            model, identity = _drafted(clf, Path(drafts), engine)
        k = min(int(k), len(names))
        block_size = int(block_size)
        job = Job(
            folder=folder,
            model=folder / model.name if given is None else model,
            model_sha256=_sha256(model),
            load=load,
            store=opened.path,
            store_crc32=opened._opened[0]["manifest_crc32"],
            n_rows=len(opened),
            block_size=block_size,
            k=k,
            names=names,
            fingerprint=fingerprint(identity, opened, k, block_size, names),
        )
        folder.mkdir(parents=True, exist_ok=True)
        numbers = missing_parts(job)
        if numbers and engine != "local" and given is None:
            with open_atomically(job.model) as file, open(model, "rb") as draft:
                shutil.copyfileobj(draft, file)
    try:
        if not numbers:
            done: Any = []
        elif engine == "dask":
            done = run_on_dask(job, numbers)
        elif engine == "ray":
            done = run_on_ray(job, numbers, n_workers, ray_options)
        else:
            done = run_here(job, numbers, clf, progress=progress)
    finally:
        forget()
    for one in done:
        if not job.part(one["number"]).exists():
            raise FileNotFoundError(
                f"{job.part(one['number'])} was written on {one['host']} and is not here: the "
                "folder must be one that all machines share"
            )
    remove_drafts(job)
    return [job.part(number) for number in range(job.n_parts)]


def _checked_names(clf: Any, store: Store, label_names: Sequence[str] | None) -> tuple[str, ...]:
    """Return names of the labels; refuse a classifier or store that cannot be predicted."""
    if not hasattr(clf, "predict_top_k"):
        raise TypeError(
            "classifier must be one of sk_yt8m's, with predict_top_k, or the path of a model file, "
            f"got one of type {type(clf).__name__}"
        )
    check_is_fitted(clf)
    n_features = getattr(clf, "n_features_in_", store.X.shape[1])
    if n_features != store.X.shape[1]:
        raise ValueError(
            f"store must have {n_features} features, those of the classifier, got "
            f"{store.X.shape[1]} in {store.path}"
        )
    if not len(store):
        raise ValueError(f"store must have at least one row, got none in {store.path}")
    own = clf.label_names_
    names = tuple(str(name) for name in (own if label_names is None else label_names))
    if len(names) != len(own):
        raise ValueError(f"label_names must be {len(own)} names, got {len(names)}")
    return names


def _drafted(clf: Any, folder: Path, engine: str) -> tuple[Path, str]:
    """Write a classifier to a file; return it with what tells two classifiers apart."""
    if hasattr(clf, "save"):
        path = folder / "_model.safetensors"
        clf.save(path)
        return path, _sha256(path)
    import joblib

    path = folder / "_model.joblib"
    path.touch()
    if engine != "local":
        joblib.dump(clf, path)
    # The bytes of equal pickles differ.
    return path, str(joblib.hash(clf))


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
