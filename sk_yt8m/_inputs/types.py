"""Types of public arguments. It imports nothing heavy, so that every module can use it."""

import os
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt


class SupportsToCSR(Protocol):
    """A sparse matrix or array of scipy, or a `SparseIndicator`."""

    def tocsr(self) -> Any:
        """Return the matrix in CSR form."""


#: A matrix, or one column: an array, lists, a Series or DataFrame, or a sparse matrix.
MatrixLike: TypeAlias = npt.ArrayLike | SupportsToCSR

#: A matrix of scores, or the best labels of each row: a `TopK` or a tuple ``(indices, scores)``.
ScoresLike: TypeAlias = npt.ArrayLike | tuple[npt.ArrayLike, npt.ArrayLike]

#: What `sklearn.utils.check_random_state` takes.
RandomState: TypeAlias = int | np.integer | np.random.RandomState | None

#: The path of a file or folder.
PathLike: TypeAlias = str | os.PathLike[str]
