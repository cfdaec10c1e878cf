"""The classifiers in skl2onnx: `register_onnx_converters`."""

from typing import Any

from sk_yt8m.classifier import DeepMultiLabelClassifier
from sk_yt8m.ensemble import AveragingClassifier
from sk_yt8m.neighbors import DeepNeighborsClassifier
from sk_yt8m.persistence._onnx_classifiers import (
    add_average,
    add_labels,
    add_neighbors,
    add_network,
    add_unit_rows,
    class_names,
)
from sk_yt8m.persistence._onnx_nodes import Nodes
from sk_yt8m.presets.modalities import ModalityNormalizer
from sk_yt8m.presets.normalized import NormalizedModalitiesClassifier


def register_onnx_converters() -> None:
    """Teach skl2onnx the classifiers of this package and `ModalityNormalizer`.

    After it, ``skl2onnx.to_onnx(pipeline, X[:1])`` converts pipelines that hold them. The
    ONNX graph has the outputs ``label`` and ``probabilities``: an int64 indicator or the classes,
    and what `predict_proba` gives in float32, up to rounding. It takes float32 or float64 features,
    of the dtype of ``X``.

    Read more in the :ref:`User Guide <saving>`.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: ``pip install "sk-yt8m[export]"``.

    See Also
    --------
    DeepMultiLabelClassifier.export : The network alone, for other runtimes too.

    Notes
    -----
    Names of labels are not in the graph; ``label_names_`` has them in the order of the columns.
    Scores that differ by rounding only may change places, as may equal neighbours. An
    `AveragingClassifier` can hold any classifiers that skl2onnx converts to one matrix of
    probabilities.

    Examples
    --------
    >>> import skl2onnx
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sk_yt8m import DeepMultiLabelClassifier, register_onnx_converters
    >>> from sk_yt8m.datasets import make_videos
    >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
    >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), clf).fit(X, Y)
    >>> register_onnx_converters()
    >>> model = skl2onnx.to_onnx(pipeline, X[:1])
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            'the conversion of pipelines needs skl2onnx: pip install "sk-yt8m[export]" brings it'
        ) from error
    for cls, convert in (
        (DeepMultiLabelClassifier, _convert_network),
        (DeepNeighborsClassifier, _convert_neighbors),
        (AveragingClassifier, _convert_average),
        (NormalizedModalitiesClassifier, _convert_normalized),
    ):
        update_registered_converter(
            cls,
            _alias(cls),
            _set_shapes,
            convert,
            parser=_declare_outputs,
            options={"zipmap": [False]},
        )
    update_registered_converter(
        ModalityNormalizer, _alias(ModalityNormalizer), _set_type, _convert_normalizer
    )


def _alias(cls: type) -> str:
    return f"SkYt8m{cls.__name__}"


def _declare_outputs(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> Any:
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    operator = scope.declare_local_operator(_alias(type(model)), model)
    operator.inputs.extend(inputs)
    operator.outputs.append(scope.declare_local_variable("label", Int64TensorType()))
    operator.outputs.append(scope.declare_local_variable("probabilities", FloatTensorType()))
    return operator.outputs


def _set_shapes(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    form = operator.raw_operator._target_form()
    n_rows, n_columns = operator.inputs[0].get_first_dimension(), len(form.names)
    if form.kind == "multilabel":
        operator.outputs[0].set_type(Int64TensorType([n_rows, n_columns]))
    else:
        is_text = class_names(form).dtype.kind == "U"
        kind = StringTensorType if is_text else Int64TensorType
        operator.outputs[0].set_type(kind([n_rows]))
    operator.outputs[1].set_type(FloatTensorType([n_rows, n_columns]))


def _set_type(operator: Any) -> None:
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    (features,) = operator.inputs
    kind = DoubleTensorType if isinstance(features.type, DoubleTensorType) else FloatTensorType
    operator.outputs[0].set_type(kind(features.type.shape))


def _convert_network(scope: Any, operator: Any, container: Any) -> None:
    nodes, (features, dtype) = Nodes(scope, container), _features(operator)
    label, probabilities = (output.full_name for output in operator.outputs)
    fitted = operator.raw_operator._fitted.network
    outputs = add_network(nodes, fitted, features, dtype)
    nodes.add("Identity", outputs.probabilities, out=probabilities)
    if fitted.form.kind == "multilabel":
        add_labels(nodes, fitted.form, outputs.logits, label, threshold=0.0)
    else:
        add_labels(nodes, fitted.form, probabilities, label)


def _convert_neighbors(scope: Any, operator: Any, container: Any) -> None:
    nodes, (features, dtype) = Nodes(scope, container), _features(operator)
    label, probabilities = (output.full_name for output in operator.outputs)
    clf = operator.raw_operator
    if not isinstance(clf.estimator_, DeepMultiLabelClassifier):
        raise TypeError(
            "the network of a DeepNeighborsClassifier must be a DeepMultiLabelClassifier to be "
            f"converted to ONNX, got a {type(clf.estimator_).__name__}"
        )
    network = add_network(nodes, clf.estimator_._fitted.network, features, dtype)
    found = add_neighbors(
        nodes,
        network.hidden,
        clf._search.references,
        clf._labels,
        clf._log_weights,
        int(clf.n_neighbors),
        float(clf.temperature),
    )
    share = float(clf.neighbor_weight)
    add_average(nodes, (1 - share, share), [network.probabilities, found], probabilities)
    add_labels(nodes, clf._form, probabilities, label)


def _convert_average(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, container)
    label, probabilities = (output.full_name for output in operator.outputs)
    clf = operator.raw_operator
    shares = clf._shares(clf._is_used)
    parts = [
        _add_part(scope, container, part, operator.inputs) for part in clf.named_estimators_.items()
    ]
    add_average(nodes, shares, parts, probabilities)
    add_labels(nodes, clf._form, probabilities, label)


def _convert_normalizer(scope: Any, operator: Any, container: Any) -> None:
    features, dtype = _features(operator)
    columns = operator.raw_operator._columns(operator.inputs[0].type.shape[1])
    out = operator.outputs[0].full_name
    add_unit_rows(Nodes(scope, container), features, dtype, list(columns), out)


def _convert_normalized(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, container)
    label, probabilities = (output.full_name for output in operator.outputs)
    clf = operator.raw_operator
    scaling = scope.declare_local_operator(_alias(ModalityNormalizer), clf.normalizer_)
    scaling.inputs.extend(operator.inputs)
    scaled = scope.declare_local_variable("scaled", operator.inputs[0].type)
    scaling.outputs.append(scaled)
    part = _add_part(scope, container, ("estimator", clf.estimator_), [scaled])
    add_average(nodes, [1.0], [part], probabilities)
    add_labels(nodes, clf._form, probabilities, label)


def _add_part(scope: Any, container: Any, named: tuple[str, Any], inputs: Any) -> str:
    """Add a classifier of any package, and return the name of its probabilities."""
    from skl2onnx import get_model_alias
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    name, part = named
    if isinstance(getattr(part, "classes_", None), list):
        raise TypeError(
            f"estimator {name!r} gives a list of probabilities, one for each label: expected a "
            f"classifier that gives one matrix, got a {type(part).__name__}"
        )
    for registry in (scope, container):
        registry.add_options(id(part), {"zipmap": False})
    operator = scope.declare_local_operator(get_model_alias(type(part)), part)
    operator.inputs.extend(inputs)
    operator.outputs.append(scope.declare_local_variable("part_label", Int64TensorType()))
    operator.outputs.append(scope.declare_local_variable("part_probabilities", FloatTensorType()))
    probabilities: str = operator.outputs[1].full_name
    return probabilities


def _features(operator: Any) -> tuple[str, Any]:
    """Return name and dtype of the features."""
    from onnx import helper
    from skl2onnx.common.data_types import guess_proto_type

    (features,) = operator.inputs
    return features.full_name, helper.tensor_dtype_to_np_dtype(guess_proto_type(features.type))
