"""One rule for every form of y: what it means, and what predictions look like."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.utils.fixes import parse_version
from small_problem import X as X_100
from small_problem import small

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier, SparseIndicator

X = X_100[:80]
Y = (X[:, :3] > 0).astype(np.int64)
WORDS = np.where(Y[:, 0] == 1, "yes", "no")


ESTIMATORS = {
    "network": small,
    "average": lambda: AveragingClassifier([("a", small()), ("b", small(random_state=1))]),
    "neighbors": lambda: DeepNeighborsClassifier(small(), n_neighbors=3),
}
every_estimator = pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)

#: The form, the dtype of predictions, and whether they are sparse.
INDICATORS = {
    "bool": (Y.astype(bool), bool, False),
    "uint8": (Y.astype(np.uint8), np.uint8, False),
    "float32": (Y.astype(np.float32), np.float32, False),
    "lists": (Y.tolist(), np.int64, False),
    "objects": (Y.astype(object), np.int64, False),
    "Fortran": (np.asfortranarray(Y), np.int64, False),
    "frame": (pd.DataFrame(Y), np.int64, False),
    "bool frame": (pd.DataFrame(Y).astype(bool), bool, False),
    "int8 frame": (pd.DataFrame(Y).astype(np.int8), np.int8, False),
    "nullable integers": (pd.DataFrame(Y).astype("Int8"), np.int8, False),
    "nullable booleans": (pd.DataFrame(Y).astype("boolean"), bool, False),
    "mixed frame": (pd.DataFrame(Y).astype({0: bool, 1: np.int8}), np.int64, False),
    "frame of objects": (pd.DataFrame(Y).astype(object), np.int64, False),
    "frame of pyarrow": (pd.DataFrame(Y).astype("bool[pyarrow]"), bool, False),
    "frame of categories": (pd.DataFrame(Y).astype("category"), np.int64, False),
    "partly sparse": (pd.DataFrame(Y).astype({0: pd.SparseDtype(int, 0)}), np.int64, False),
    "sparse with ones left out": (
        pd.DataFrame(Y).astype(pd.SparseDtype(np.int64, 1)),
        np.int64,
        True,
    ),
    "sparse frame of booleans": (
        pd.DataFrame(Y).astype(pd.SparseDtype(bool, False)),
        bool,
        True,
    ),
    "sparse frame": (pd.DataFrame.sparse.from_spmatrix(sp.csr_matrix(Y)), np.int64, True),
    "CSR": (sp.csr_array(Y.astype(np.uint8)), np.uint8, True),
    "CSC of booleans": (sp.csc_matrix(Y.astype(bool)), bool, True),
    "COO": (sp.coo_array(Y), np.int64, True),
    "SparseIndicator": (SparseIndicator(sp.csr_array(Y)), np.int64, True),
}


@every_estimator
@pytest.mark.parametrize("form", INDICATORS)
def test_predictions_have_the_form_of_y(make, form):
    y, dtype, sparse = INDICATORS[form]
    clf = make().fit(X, y)
    labels = clf.predict(X)
    assert sp.issparse(labels) == sparse
    assert labels.dtype == dtype
    dense = labels.toarray() if sparse else labels
    reference = make().fit(X, Y)
    np.testing.assert_array_equal(dense.astype(int), reference.predict(X))
    assert clf.score(X, y) == pytest.approx(reference.score(X, Y), abs=1e-12)


COLUMNS = {
    "array": WORDS[:, np.newaxis],
    "list": WORDS.tolist(),
    "series": pd.Series(WORDS, name="answer"),
    "objects": WORDS.astype(object),
    "frame": pd.DataFrame({"answer": WORDS}),
    "categories": pd.DataFrame({"answer": pd.Categorical(WORDS)}),
    "categorical series": pd.Series(pd.Categorical(WORDS)),
    "pandas strings": pd.DataFrame({"answer": pd.array(WORDS, dtype="string")}),
}


@every_estimator
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
@pytest.mark.parametrize("form", COLUMNS)
def test_one_column_is_classes(make, form):
    clf = make().fit(X, COLUMNS[form])
    reference = make().fit(X, WORDS)
    assert clf.classes_.tolist() == ["no", "yes"]
    assert clf.predict(X).tolist() == reference.predict(X).tolist()
    assert clf.score(X, COLUMNS[form]) == reference.score(X, WORDS)


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, float])
def test_one_column_of_numbers_in_all_forms(dtype):
    column = Y[:, :1].astype(dtype)
    for y in (column, pd.DataFrame(column, columns=["label"]), column.ravel().tolist()):
        clf = small().fit(X, y)
        assert clf.predict(X).shape == (80,)
        assert clf.predict_proba(X).shape == (80, 2)


NUMBERS = np.array([10, 20, 30])[np.arange(80) % 3]


@every_estimator
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
@pytest.mark.parametrize("frame", [False, True], ids=["Series", "DataFrame"])
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("Int64", np.int64),
        ("UInt8", np.uint8),
        ("Float32", np.float32),
        ("int16[pyarrow]", np.int16),
        (pd.SparseDtype(np.uint8, 0), np.uint8),
    ],
)
def test_predicted_classes_have_the_dtype_of_a_series(make, frame, dtype, expected):
    y = pd.Series(NUMBERS).astype(dtype)
    y = y.to_frame("kind") if frame else y
    clf = make().fit(X, y)
    assert clf.classes_.tolist() == [10, 20, 30]
    assert clf.predict(X).dtype == expected
    assert clf.score(X, y) == make().fit(X, NUMBERS).score(X, NUMBERS)


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "string", "float64", object, "category"])
def test_missing_classes(dtype):
    y = pd.Series(Y[:, 0]).astype(dtype)
    y[7] = None
    for form in (y, y.to_frame("kind")):
        for call in (small().fit, small().partial_fit, small().fit(X, Y[:, 0]).score):
            with pytest.raises(ValueError, match=r"contains NaN"):
                call(X, form)


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "float64", object])
def test_missing_labels(dtype):
    y = pd.DataFrame(Y).astype(dtype).mask(np.eye(80, 3, k=-7, dtype=bool))
    for call in (small().fit, small().fit(X, Y).score):
        with pytest.raises(ValueError, match="row 7, column 0 holds"):
            call(X, y)


@pytest.mark.parametrize("form", [sp.csr_array, lambda y: SparseIndicator(sp.csc_matrix(y))])
def test_one_column_of_a_sparse_matrix_is_a_label(form):
    clf = small().fit(X, form(Y[:, :1]))
    assert clf.predict_proba(X).shape == (80, 1)
    assert clf.predict(X).shape == (80, 1)
    for again in (form(Y[:, :1]), Y[:, :1], pd.DataFrame(Y[:, :1]), Y[:, :1].tolist()):
        assert clf.score(X, again) == clf.score(X, form(Y[:, :1]))
        clf.partial_fit(X, again)
        small().fit(X, form(Y[:, :1]), X_val=X, y_val=again)


@pytest.mark.parametrize("y", [Y[:, 0], WORDS, NUMBERS], ids=["numbers", "words", "three"])
def test_another_kind_of_target_is_refused_later(y):
    clf = small(warm_start=True).fit(X, y)
    for other in (Y, sp.csr_array(Y), pd.DataFrame(Y)):
        for call in (clf.score, clf.partial_fit, clf.fit):
            with pytest.raises(ValueError, match=r"expected a (binary|multiclass) y"):
                call(X, other)
    clf = small(warm_start=True).fit(X, Y)
    for call in (clf.score, clf.partial_fit, clf.fit):
        with pytest.raises(ValueError, match=r"expected a multilabel y|shape \(n_samples, n_lab"):
            call(X, y)


def test_classes_that_training_never_saw_count_as_wrong():
    clf = small().fit(X, WORDS)
    assert clf.score(X, np.where(np.arange(80) < 40, "maybe", clf.predict(X))) == 0.5


MISSING = {
    "None": np.array([*WORDS[:-1], None], dtype=object),
    "NaN": np.array([*WORDS[:-1], np.nan], dtype=object),
    "NaN in a series": pd.Series([*WORDS[:-1], None]),
    "NA in a series": pd.Series([*WORDS[:-1], None], dtype="string"),
    "NA in integers": pd.Series([*Y[:-1, 0], None], dtype="Int64"),
    "NA in booleans": pd.Series([*Y[:-1, 0], None], dtype="boolean"),
    "a missing category": pd.Series([*WORDS[:-1], None]).astype("category"),
    "NaN in a frame": pd.DataFrame({"answer": [*WORDS[:-1], None]}),
    "words and numbers": np.array([*WORDS[:-1], 1], dtype=object),
    "NaT in dates": np.array(["2020-01-01", "2021-01-01"] * 39 + ["2020-01-01", "NaT"], "M8[D]"),
    "NaN in numbers": np.where(np.arange(80) == 7, np.nan, Y[:, 0]),
}


@every_estimator
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
@pytest.mark.parametrize("form", MISSING)
def test_missing_classes_are_refused_by_name(make, form):
    with pytest.raises(ValueError, match=r"y (holds|contains) .*(missing|NaN)"):
        make().fit(X, MISSING[form])


def test_missing_classes_in_the_argument_of_partial_fit():
    for classes in (["no", "yes", None], np.array(["no", "yes", np.nan], dtype=object)):
        with pytest.raises(ValueError, match=r"classes holds values of the types .* missing"):
            small().partial_fit(X, WORDS, classes=classes)
    with pytest.raises(ValueError, match="classes contains NaN or NaT"):
        small().partial_fit(X, Y[:, 0], classes=[0, 1, np.nan])


@every_estimator
def test_a_table_of_pyarrow_is_a_frame(make):
    pyarrow = pytest.importorskip("pyarrow")
    table, frame = pyarrow.table({"a": Y[:, 0], "b": Y[:, 1]}), pd.DataFrame(Y[:, :2])
    clf = make().fit(X, table)
    assert clf.label_names_.tolist() == ["a", "b"]
    np.testing.assert_array_equal(clf.predict(X), make().fit(X, frame).predict(X))
    assert clf.score(X, table) == make().fit(X, frame).score(X, frame)


class TestMasked:
    """The values behind a mask are not to be used."""

    FEATURES = np.ma.masked_array(X, mask=X > 1)
    WEIGHT = np.ma.masked_array(np.ones(80), mask=np.arange(80) < 40)
    CLASSES = np.ma.masked_array(Y[:, 0], mask=Y[:, 0] > 0)

    @every_estimator
    @pytest.mark.parametrize("form", [lambda rows: rows, list], ids=["array", "list"])
    def test_features(self, make, form):
        rows = form(self.FEATURES)
        clf = make().fit(X, Y)
        for call in (clf.predict, clf.predict_proba, clf.predict_top_k):
            with pytest.raises(TypeError, match="X must not be a masked array"):
                call(rows)
        for call in (make().fit, clf.score):
            with pytest.raises(TypeError, match="X must not be a masked array"):
                call(rows, Y)
        with pytest.raises(TypeError, match="X_val must not be a masked array"):
            make().fit(X, Y, X_val=rows, y_val=Y)

    @every_estimator
    @pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["labels", "classes"])
    def test_weights(self, make, y):
        clf = make().fit(X, y)
        for call in (make().fit, clf.score):
            with pytest.raises(TypeError, match="sample_weight must not be a masked array"):
                call(X, y, sample_weight=self.WEIGHT)
        with pytest.raises(TypeError, match="sample_weight_val must not be a masked array"):
            make().fit(X, y, X_val=X, y_val=y, sample_weight_val=self.WEIGHT)

    @every_estimator
    def test_classes(self, make):
        for call in (make().fit, make().fit(X, Y[:, 0]).score):
            with pytest.raises(TypeError, match="y must not be a masked array"):
                call(X, self.CLASSES)
        with pytest.raises(TypeError, match="classes must not be a masked array"):
            small().partial_fit(X, Y[:, 0], classes=self.CLASSES)


def test_a_column_vector_is_warned_of():
    from sklearn.exceptions import DataConversionWarning

    with pytest.warns(DataConversionWarning, match="column-vector y"):
        small().fit(X, pd.DataFrame(WORDS))


class TestNamesOfMLPClassifier:
    """What `sklearn.neural_network.MLPClassifier` has under the same name."""

    @pytest.mark.parametrize(
        "sizes", [8, np.int64(8), np.uint8(8), [8], (np.int32(8),), np.array([8]), np.array(8)]
    )
    def test_hidden_layer_sizes(self, sizes):
        expected = small().fit(X, Y).predict_proba(X)
        clf = small(hidden_layer_sizes=sizes).fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), expected)

    @pytest.mark.parametrize("sizes", [0, -3, 8.0, "8", None, True, (8, 0), (8, True), ((8,),)])
    def test_impossible_hidden_layer_sizes(self, sizes):
        with pytest.raises(ValueError, match="hidden_layer_sizes"):
            small(hidden_layer_sizes=sizes).fit(X, Y)

    def test_n_iter_no_change_may_be_infinite(self, tmp_path):
        import sk_yt8m

        clf = small(n_iter_no_change=np.inf, tol=1e9, max_iter=15).fit(X, Y)
        assert clf.n_iter_ == 15
        assert small(tol=1e9, max_iter=15).fit(X, Y).n_iter_ < 15
        clf.save(tmp_path / "model.safetensors")
        assert sk_yt8m.load(tmp_path / "model.safetensors").n_iter_no_change == np.inf

    def test_best_loss(self):
        clf = small().fit(X, Y)
        assert clf.best_loss_ == min(clf.loss_curve_)
        assert clf.validation_scores_ is None
        assert clf.best_validation_score_ is None

    @pytest.mark.parametrize("given", [False, True])
    def test_no_best_loss_beside_validation(self, given):
        options = {"X_val": X, "y_val": Y} if given else {}
        clf = small(early_stopping=not given).fit(X, Y, **options)
        assert clf.best_loss_ is None
        assert clf.best_validation_score_ == max(clf.validation_scores_)

    @pytest.mark.parametrize("y", [Y, WORDS, Y.sum(axis=1)], ids=["labels", "binary", "classes"])
    def test_predict_log_proba(self, y):
        clf = small().fit(X, y)
        logarithms = clf.predict_log_proba(X)
        np.testing.assert_array_equal(logarithms, np.log(clf.predict_proba(X)))
        assert np.isfinite(logarithms).all()

    def test_one_class_is_refused(self):
        with pytest.raises(ValueError, match="contains only one class"):
            small().fit(X, np.ones(80))

    def test_a_rare_class_is_named(self):
        y = np.where(np.arange(80) == 5, "rare", "common")
        # scikit-learn before 1.9 gives no name.
        named = parse_version(sklearn.__version__) >= parse_version("1.9")
        with pytest.raises(ValueError, match="rare" if named else "only 1 member"):
            small(early_stopping=True).fit(X, y)
