"""Types that skops must trust to load the classifiers of this package."""

_CLASSIFIERS = (
    "numpy.dtype",
    "scipy.sparse._csr.csr_array",
    "sk_yt8m._inputs.target_form.TargetForm",
    "sk_yt8m._network.architecture.Architecture",
    "sk_yt8m._neighbors.search.NearestRows",
    "sk_yt8m._network.fitted_network.FittedNetwork",
    "sk_yt8m._training.ongoing.OngoingTraining",
    "sk_yt8m.classifier.DeepMultiLabelClassifier",
    "sk_yt8m.ensemble.AveragingClassifier",
    "sk_yt8m.presets.modalities.ModalityNormalizer",
    "sk_yt8m.neighbors.DeepNeighborsClassifier",
    "sk_yt8m.presets.normalized.NormalizedModalitiesClassifier",
)
#: What a fitted search holds beside its estimator.
_SEARCHES = (
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sk_yt8m.metrics._scoring.top_k_scorer.MultimetricScorer",
    "sk_yt8m.metrics._scoring.top_k_scorer.TopKScorer",
    *(
        f"sk_yt8m.metrics._definitions.{name}_score"
        for name in (
            "gap.gap",
            "hit.hit_at_k",
            "label_reciprocal_rank.label_reciprocal_rank",
            "mean_average_precision.mean_average_precision",
            "mean_reciprocal_rank.mean_reciprocal_rank",
            "ndcg.ndcg_at_k",
            "perr.precision_at_equal_recall_rate",
            "precision_recall.precision_at_k",
            "precision_recall.recall_at_k",
            "propensity.psndcg_at_k",
            "propensity.psp_at_k",
        )
    ),
)


def trusted_types() -> list[str]:
    """Return the types that ``skops.io.load`` must trust for this package's classifiers.

    skops saves whole pipelines without pickle, and loads only types that it or its caller trusts.
    These are the classifiers with what they hold, `sk_yt8m.ModalityNormalizer`, the scorers
    of ``sk_yt8m.metrics``, and the default splitters of a search. They hold data; loading one runs
    none of its code but the setting of attributes.

    Read more in the :ref:`User Guide <saving>`.

    Returns
    -------
    list of str
        Full names of the types, for the argument ``trusted``.

    See Also
    --------
    sk_yt8m.load : Reads the files of `save`, which later versions of the package read as well.

    Notes
    -----
    The names are those of this version's modules: load a file with the version that wrote it.

    Examples
    --------
    >>> import skops.io
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sk_yt8m import DeepMultiLabelClassifier
    >>> from sk_yt8m.datasets import make_videos
    >>> from sk_yt8m.persistence import trusted_types
    >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
    >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), clf).fit(X, Y)
    >>> again = skops.io.loads(skops.io.dumps(pipeline), trusted=trusted_types())
    >>> bool((again.predict_proba(X) == pipeline.predict_proba(X)).all())
    True
    """
    return [*_CLASSIFIERS, *_SEARCHES]
