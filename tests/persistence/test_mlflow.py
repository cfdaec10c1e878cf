"""MLflow logs classifiers and pipelines, and the code of docs/guide/saving.md runs as written."""

import warnings

import numpy as np
import pytest
from page_code import python_blocks
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_problem import X, Y, small

from sk_yt8m import DeepNeighborsClassifier
from sk_yt8m.persistence import trusted_types

mlflow = pytest.importorskip("mlflow", reason="MLflow is optional")


@pytest.fixture(scope="module", autouse=True)
def tracking(tmp_path_factory):
    """Track in a database and a folder of this module, and nothing on the network."""
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("videos", artifact_location=str(folder / "artifacts"))
    mlflow.set_experiment("videos")
    yield
    mlflow.set_tracking_uri(before)


def history(run, metric):
    found = mlflow.MlflowClient().get_metric_history(run.info.run_id, metric)
    return [one.value for one in sorted(found, key=lambda one: one.step)]


@pytest.mark.parametrize("kind", ["pipeline", "neighbors"])
@pytest.mark.parametrize("format", ["skops", "cloudpickle"])
def test_log_model(kind, format):
    clf = small() if kind == "pipeline" else DeepNeighborsClassifier(small(), n_neighbors=3)
    pipeline = make_pipeline(StandardScaler(), clf).fit(X, Y)
    trust = {"skops_trusted_types": trusted_types()} if format == "skops" else {}
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            pipeline,
            name="model",
            serialization_format=format,
            pip_requirements=["sk-yt8m"],
            **trust,
        )
    again = mlflow.sklearn.load_model(logged.model_uri)
    assert again.predict_proba(X).tobytes() == pipeline.predict_proba(X).tobytes()
    served = mlflow.pyfunc.load_model(logged.model_uri).predict(X)
    np.testing.assert_array_equal(served, pipeline.predict(X))


def test_autolog_of_a_pipeline():
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    try:
        with warnings.catch_warnings(), mlflow.start_run() as run:
            # mlflow asks for scores of classes, which say little about labels.
            warnings.simplefilter("ignore")
            pipeline = make_pipeline(StandardScaler(), small()).fit(X, Y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    data = mlflow.get_run(run.info.run_id).data
    assert data.metrics["training_score"] == pytest.approx(pipeline.score(X, Y))
    assert data.params["deepmultilabelclassifier__max_iter"] == "2"


def snippets():
    return python_blocks("docs/guide/saving.md")


def test_the_snippet_logs_gap_of_each_epoch():
    (code,) = [snippet for snippet in snippets() if "mlflow" in snippet]
    clf = small(max_iter=3)
    names = {"clf": clf, "X": X, "Y": Y, "X_val": X[:40], "Y_val": Y[:40]}
    exec(compile(code, "docs/guide/saving.md", "exec"), names)
    (run,) = mlflow.search_runs(
        filter_string="params.max_iter = '3'", output_format="list", max_results=9
    )
    assert history(run, "gap_at_20") == clf.validation_scores_
    assert history(run, "loss") == clf.loss_curve_
    assert len(clf.loss_curve_) == 3
    assert names["again"].predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()


@pytest.mark.slow
def test_all_snippets_of_the_page_run_in_their_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in snippets():
        exec(compile(code, "docs/guide/saving.md", "exec"), names)
    assert {"videos.safetensors", "pipeline.skops", "pipeline.joblib"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert "session" in names
