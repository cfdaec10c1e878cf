"""The nodes of an ONNX graph that skl2onnx builds."""

from typing import Any

import numpy as np


class Nodes:
    """Adds nodes to the graph of a conversion.

    Parameters
    ----------
    scope, container : Scope, ModelComponentContainer
        What skl2onnx gives a converter.
    """

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope = scope
        self._container = container

    def add(self, kind: str, *inputs: Any, out: str | None = None, **attributes: Any) -> str:
        """Add a node and return the name of its output, `out` if given.

        Inputs are names of outputs, or arrays, which become constants.
        """
        names = [one if isinstance(one, str) else self._constant(np.asarray(one)) for one in inputs]
        out = out or self._scope.get_unique_variable_name(kind.lower())
        name = self._scope.get_unique_operator_name(kind)
        self._container.add_node(kind, names, out, name=name, **attributes)
        return out

    def cast(self, name: str, dtype: Any, out: str | None = None) -> str:
        """Convert an output to another dtype."""
        from onnx import helper

        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.add("Cast", name, out=out, to=kind)

    def add_top_k(self, name: str, k: int) -> tuple[str, str]:
        """Add the `k` highest of each row and their places, ties to the lower one."""
        outs = [self._scope.get_unique_variable_name(part) for part in ("best", "places")]
        names = [name, self._constant(np.array([k]))]
        self._container.add_node(
            "TopK", names, outs, name=self._scope.get_unique_operator_name("TopK")
        )
        return outs[0], outs[1]

    def _constant(self, array: np.ndarray) -> str:
        from onnx import numpy_helper

        if array.dtype.kind == "U":
            array = array.astype(object)
        name: str = self._scope.get_unique_variable_name("constant")
        tensor = numpy_helper.from_array(np.asarray(array, order="C"))
        content = [text.encode() for text in array] if array.dtype == object else tensor
        self._container.add_initializer(name, tensor.data_type, array.shape, content)
        return name
