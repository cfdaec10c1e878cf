"""Slices of rows that are processed at once."""

from collections.abc import Iterator

BLOCK_BYTES = 2**24


def row_slices(n_rows: int, row_bytes: int) -> Iterator[slice]:
    """Yield slices that cover all rows, each of about `BLOCK_BYTES`."""
    step = max(1, BLOCK_BYTES // row_bytes)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
