"""The directions in which rows differ most."""

import numpy as np

#: Rows whose products with one another are decomposed, and rows that then turn the directions.
_FEW_ROWS, _MORE_ROWS = 1024, 8192


def leading_directions(
    references: np.ndarray, n_directions: int, rng: np.random.Generator
) -> np.ndarray:
    """Return nearly the leading right singular vectors of rows, as columns, float32."""
    n_rows = len(references)
    sample = references[np.sort(rng.choice(n_rows, min(_FEW_ROWS, n_rows), replace=False))]
    values, vectors = np.linalg.eigh((sample @ sample.T).astype(np.float64))
    values, vectors = values[::-1][:n_directions], vectors[:, ::-1][:, :n_directions]
    kept = values > values[0] * 1e-6
    directions = sample.T @ (vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32)
    for _ in range(2):
        more = np.sort(rng.choice(n_rows, min(_MORE_ROWS, n_rows), replace=False))
        turned = np.zeros_like(directions)
        for start in range(0, len(more), _FEW_ROWS):
            rows = references[more[start : start + _FEW_ROWS]]
            turned += rows.T @ (rows @ directions)
        directions = orthonormal(turned)
    return directions


def orthonormal(columns: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that span the same, by Cholesky's way, float32."""
    gram = columns.T.astype(np.float64) @ columns.astype(np.float64)
    upper = np.linalg.inv(np.linalg.cholesky(gram)).T
    return np.asarray(columns @ upper, dtype=np.float32)
