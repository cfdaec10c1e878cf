"""Rows of a store keep their own features, labels and ids, and `verify` finds those that do not."""

import itertools
import json
import zlib

import numpy as np
import pytest
import scipy.sparse as sp

from sk_yt8m.datasets import (
    StoreError,
    convert,
    open_store,
    write_csv,
    write_parquet,
    write_tfrecords,
)

N_ROWS = 120


@pytest.fixture
def small_blocks(monkeypatch):
    """Make 10 rows of 7 features a block, 3 such blocks a source of arrays."""
    monkeypatch.setattr("sk_yt8m.datasets._convert.append._BLOCK", 4 * 7 * 10)
    monkeypatch.setattr("sk_yt8m.datasets._convert.find_sources._BLOCK_BYTES", 4 * 7 * 30)


def numbered(n_rows=N_ROWS, n_features=7):
    """Return features and labels that tell the number of their row."""
    X = np.arange(n_rows, dtype=np.float32)[:, None] + np.linspace(0, 0.5, n_features)
    Y = np.zeros((n_rows, 10), dtype=np.uint8)
    for place, size in enumerate((10, 100, 1000)):
        Y[np.arange(n_rows), 3 * place + np.arange(n_rows) // (size // 10) % 3] = 1
    Y[::5] = 0
    return X.astype(np.float32), Y


def as_source(kind, folder, X, Y, ids):
    if kind == "arrays":
        return (X, Y, ids)
    if kind == "sparse":
        return (X.astype(np.float64), sp.csr_matrix(Y), np.array(ids, dtype=object))
    n_files = 2
    ends = np.linspace(0, len(X), n_files + 1).astype(int)
    for number, (start, end) in enumerate(itertools.pairwise(ends)):
        path, rows = folder / f"train{number}.{kind}", slice(start, end)
        unique = ids[rows]
        # The writers refuse repeated ids, so give each row a name of its own and patch it after.
        if kind == "parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            write_parquet(path, X[rows], Y[rows], [f"{row}" for row in range(end - start)])
            table = pq.read_table(path)
            table = table.set_column(0, "id", pa.array(list(unique)))
            pq.write_table(table, path, row_group_size=17)
        else:
            names = [f"{row:06}" for row in range(start, end)]
            write_tfrecords(path, X[rows], Y[rows], names, features={"all": 7})
    return folder


REPEATS = {
    "first block": [(10, 3)],
    "every block": [(row, 2) for row in range(9, N_ROWS, 10)],
    "last row of a block, first of the next": [(29, 1), (30, 2)],
    "a whole block": [(row, 0) for row in range(10, 20)],
    "across files": [(70, 4), (119, 70)],
}


@pytest.mark.parametrize("kind", ["arrays", "sparse", "parquet"])
@pytest.mark.parametrize("repeats", REPEATS.values(), ids=REPEATS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_rows_after_a_repeated_id(tmp_path, small_blocks, kind, repeats, dtype):
    X, Y = numbered()
    ids = [f"video {row}" for row in range(N_ROWS)]
    for row, earlier in repeats:
        ids[row] = ids[earlier]
    kept = [row for row in range(N_ROWS) if ids.index(ids[row]) == row]
    source = as_source(kind, tmp_path, X, Y, ids)
    store = convert(source, tmp_path / "store", on_error="skip", dtype=dtype)
    np.testing.assert_array_equal(store.X, X[kept].astype(dtype))
    np.testing.assert_array_equal(store.Y.toarray(), Y[kept])
    assert store.ids.tolist() == [ids[row] for row in kept]
    assert len(store.manifest["damage"]) == len(repeats) == N_ROWS - len(kept)
    store.verify()


@pytest.mark.parametrize("kind", ["arrays", "parquet"])
def test_more_than_one_block_of_full_size(tmp_path, kind):
    """5,000 rows of YouTube-8M's width are 23 MB, and a block is 16 MiB."""
    n_rows = 5000
    X = np.repeat(np.arange(n_rows, dtype=np.float32)[:, None], 1152, axis=1)
    Y = sp.csr_matrix((np.ones(n_rows), (np.arange(n_rows), np.arange(n_rows) % 20)))
    ids = [f"{row}" for row in range(n_rows)]
    ids[10] = ids[4000] = ids[0]
    if kind == "arrays":
        source = (X, Y, ids)
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        source = tmp_path / "a.parquet"
        write_parquet(source, X, Y)
        pq.write_table(pq.read_table(source).append_column("id", pa.array(ids)), source)
    store = convert(source, tmp_path / "store", on_error="skip", n_labels=None)
    kept = np.delete(np.arange(n_rows), [10, 4000])
    np.testing.assert_array_equal(store.X[:, 0], kept)
    np.testing.assert_array_equal(store.X[:, -1], kept)
    np.testing.assert_array_equal(store.Y.indices, kept % 20)
    assert store.ids.tolist() == [ids[row] for row in kept]
    assert store.record.tolist() == (kept + 1).tolist()
    store.verify()


class TestVerify:
    """Arrays that do not belong together, with all their own checksums as they should be."""

    @pytest.fixture
    def store(self, tmp_path, small_blocks):
        X, Y = numbered()
        ids = [f"video {row}" for row in range(N_ROWS)]
        return convert((X, Y, ids), tmp_path / "store")

    def put(self, store, name, array):
        """Replace an array and its checksum."""
        path = store.path / f"{name}.npy"
        content = path.read_bytes()
        payload = np.ascontiguousarray(array, dtype=np.load(path).dtype).tobytes()
        path.write_bytes(content[: len(content) - len(payload)] + payload)
        manifest = json.loads((store.path / "manifest.json").read_text())
        del manifest["manifest_crc32"]
        if name in manifest["crc32"]:
            manifest["crc32"][name] = zlib.crc32(payload)
        text = json.dumps(manifest, sort_keys=True).encode()
        manifest["manifest_crc32"] = zlib.crc32(text)
        (store.path / "manifest.json").write_text(json.dumps(manifest))
        return open_store(store.path)

    @pytest.mark.parametrize("name", ["features", "ids", "record"])
    @pytest.mark.parametrize("rows", [slice(0, 2), slice(60, 90), slice(118, 120)])
    def test_rows_that_were_moved(self, store, name, rows):
        array = np.load(store.path / f"{name}.npy")
        array[rows] = np.roll(array[rows], 1, axis=0)
        start = rows.start // 30 * 30
        expected = rf"features\.npy: expected rows {start} to {start + 29}, from rows .*CRC-32"
        with pytest.raises(StoreError, match=expected):
            self.put(store, name, array).verify()

    def test_sources_that_were_moved(self, store):
        source = np.load(store.path / "source.npy")
        source[30] = 0
        with pytest.raises(StoreError, match=r"source\.npy: expected 1 for rows 30 to 59"):
            self.put(store, "source", source).verify()

    def test_labels_that_were_moved(self, store):
        indptr = np.load(store.path / "label_indptr.npy")
        indptr[62] -= 1
        with pytest.raises(StoreError, match="expected rows 60 to 89"):
            self.put(store, "label_indptr", indptr).verify()

    def test_features_of_other_rows_are_noticed(self, tmp_path, monkeypatch):
        """Whatever happens to them between reading and appending."""
        from sk_yt8m.datasets._convert import convert as _convert

        read_source = _convert.read_source

        def shifted(*args):
            rows = read_source(*args)
            written = np.memmap(rows.path, "<f4", "r+", rows.start, (N_ROWS, 7))
            written[:] = np.roll(written, 1, axis=0)
            return rows

        monkeypatch.setattr(_convert, "read_source", shifted)
        with pytest.raises(StoreError, match="rows 0 to 119 of the arrays"):
            convert(numbered(), tmp_path / "store")
        assert not (tmp_path / "store").exists()


class TestFloat16:
    """65,504 is the largest; numbers from there to 65,520 would be rounded to it."""

    BAD = (65504.004, 65505, 65510, 65519, 65520, 70000, 3e38)

    def source(self, kind, folder, value):
        X = np.ones((6, 1152), dtype=np.float64)
        X[4, 5] = value
        Y = np.ones((6, 3862), dtype=np.uint8)
        path = folder / f"train_0.{kind}"
        if kind == "arrays":
            return (X, Y), 5
        if kind == "csv":
            write_csv(path, X, Y)
        elif kind == "parquet":
            write_parquet(path, X, Y)
        else:
            write_tfrecords(path, X, Y)
        return path, 5

    @pytest.mark.parametrize("kind", ["arrays", "csv", "parquet", "tfrecord"])
    @pytest.mark.parametrize("sign", [1, -1])
    @pytest.mark.parametrize("on_error", ["raise", "skip"])
    def test_too_large_in_every_format(self, tmp_path, kind, sign, on_error):
        source, record = self.source(kind, tmp_path, sign * 65510)
        expected = rf"record {record}, feature 5: expected .*65504.*float16.*{sign * 65510}"
        with pytest.raises(ValueError, match=expected):
            convert(source, tmp_path / "store", dtype="float16", on_error=on_error)
        assert not (tmp_path / "store").exists()

    @pytest.mark.parametrize("value", BAD)
    @pytest.mark.parametrize("sign", [1, -1])
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_too_large(self, tmp_path, value, sign, kind):
        X = np.ones((6, 7), dtype=kind)
        X[4, 5] = sign * value
        with pytest.raises(ValueError, match=r"record 5, feature 5: expected a number .*65504"):
            convert((X, np.ones((6, 1))), tmp_path / "store", dtype="float16")

    def test_larger_by_less_than_float32_can_tell(self, tmp_path):
        X = np.ones((6, 7))
        X[4, 5] = np.nextafter(65504, np.inf)
        with pytest.raises(ValueError, match="record 5, feature 5"):
            convert((X, np.ones((6, 1))), tmp_path / "store", dtype="float16")

    @pytest.mark.parametrize("kind", "u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8 ?".split())  # noqa: SIM905
    def test_what_fits_in_any_type(self, tmp_path, kind):
        X = np.array([[0, 1, 100, 127]] * 3).astype(kind)
        store = convert((X, np.ones((3, 1))), tmp_path / "store", dtype="float16")
        np.testing.assert_array_equal(store.X, X)

    @pytest.mark.parametrize("kind", ["u2", "u4", "i4", "u8", "i8"])
    def test_integers_that_do_not_fit(self, tmp_path, kind):
        X = np.array([[0, 65504], [3, 65505]], dtype=kind)
        with pytest.raises(ValueError, match=r"record 2, feature 1: .*got 65505"):
            convert((X, np.ones((2, 1))), tmp_path / "store", dtype="float16")
        store = convert((X[:1], np.ones((1, 1))), tmp_path / "store", dtype="float16")
        assert store.X.tolist() == [[0, 65504]]

    def test_the_largest(self, tmp_path):
        X = np.array([[65504.0, -65504.0, 65503.0, 0.0]])
        store = convert((X, [[1]]), tmp_path / "store", dtype="float16")
        assert store.X.tolist() == [[65504, -65504, 65504, 0]]

    def test_float32_takes_them(self, tmp_path):
        X = np.array([[65510.0, -65510.0, 3e38]], dtype=np.float32)
        assert convert((X, [[1]]), tmp_path / "store").X.tolist() == X.tolist()


@pytest.mark.parametrize("n_rows", [0, 1, 5])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_no_features(tmp_path, n_rows, dtype):
    X, Y = np.ones((n_rows, 0)), np.ones((n_rows, 2))
    with pytest.raises(ValueError, match=rf"X must have at least one feature, .*\({n_rows}, 0\)"):
        convert((X, Y), tmp_path / "store", dtype=dtype)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="X must have at least one feature"):
        write_parquet(tmp_path / "a.parquet", X, Y)
    with pytest.raises(ValueError, match=r"at least one feature|widths of at least 1"):
        write_tfrecords(tmp_path / "a.tfrecord", X, Y, features={"a": 0})
