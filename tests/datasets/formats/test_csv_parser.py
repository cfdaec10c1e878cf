"""The CSV parser: what is sound comes through to the bit, what is damaged is named."""

import gzip
import itertools
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sk_yt8m.datasets._formats.csv_parser import CsvLayout, read_csv_blocks
from sk_yt8m.datasets._formats.damage import Report

N_LABELS, N_FEATURES = 4, 3
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
LABELS = [[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 1]]
FEATURES = [[0.5, -1.25, 3e-05], [2.0078125, 1e20, -0.0], [7.0, 0.1, 1e-40]]


def line(labels, features) -> bytes:
    cells = [str(int(label)) for label in labels]
    cells += [str(value) for value in np.asarray(features, dtype=np.float32)]
    return (",".join(cells) + ",\n").encode()


SOUND = b"".join(map(line, LABELS, FEATURES))


def parse(content: bytes, folder, *, name="train_0.csv", skip=False):
    path = folder / name
    path.write_bytes(content)
    report = Report(skip=skip)
    (block,) = read_csv_blocks(path, CsvLayout(N_LABELS, N_FEATURES), report)
    return block, report.damage


def indicator(block) -> np.ndarray:
    dense = np.zeros((block.counts.size, N_LABELS), dtype=int)
    dense[np.repeat(np.arange(block.counts.size), block.counts), block.labels] = 1
    return dense


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("csv")


@given(
    labels=hnp.arrays(
        np.uint8, st.tuples(st.integers(1, 6), st.just(4)), elements=st.integers(0, 1)
    ),
    data=st.data(),
    end=st.sampled_from([b"\n", b"\r\n"]),
    bom=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    last=st.booleans(),
    packed=st.booleans(),
)
def test_round_trip(folder, labels, data, end, bom, last, packed):
    features = data.draw(hnp.arrays(np.float32, (len(labels), N_FEATURES), elements=FINITE))
    content = bom + b"".join(map(line, labels, features)).replace(b"\n", end)
    content = content if last else content.removesuffix(end)
    if packed:
        block, damage = parse(gzip.compress(content), folder, name="train_0.csv.gz")
    else:
        block, damage = parse(content, folder)
    np.testing.assert_array_equal(block.features.view(np.uint32), features.view(np.uint32))
    np.testing.assert_array_equal(indicator(block), labels)
    assert block.records.tolist() == list(range(1, len(labels) + 1))
    assert damage == []


def test_a_cut_at_any_byte_never_passes_for_a_whole_line(folder):
    whole = SOUND.split(b"\n")
    for size in range(1, len(SOUND) + 1):
        block, damage = parse(SOUND[:size], folder, skip=True)
        cut = SOUND[:size].split(b"\n")[-1]
        # A line that lacks nothing but its newline is whole.
        n_whole = SOUND[:size].count(b"\n") + (cut != b"" and cut in whole)
        assert block.records.size == n_whole
        np.testing.assert_array_equal(block.features, np.float32(FEATURES)[:n_whole])
        np.testing.assert_array_equal(indicator(block), np.array(LABELS)[:n_whole])
        assert len(damage) == (0 if not cut or cut in whole else 1)


@settings(max_examples=500)
@given(place=st.integers(0, len(SOUND) - 1), byte=st.integers(0, 255))
@example(place=10, byte=ord("."))
@example(place=10, byte=ord("e"))
def test_a_changed_byte_touches_no_other_line(folder, place, byte):
    changed = SOUND[:place] + bytes([byte]) + SOUND[place + 1 :]
    block, damage = parse(changed, folder, skip=True)
    touched = SOUND[:place].count(b"\n")
    n_lines = changed.count(b"\n") + (not changed.endswith(b"\n"))
    assert block.records.size + len(damage) >= n_lines
    for row, features in enumerate(block.features):
        before = changed.split(b"\n")[block.records[row] - 1].split(b",")
        np.testing.assert_array_equal(
            features, np.array(before[4:7], dtype=np.float64).astype("f4")
        )
        np.testing.assert_array_equal(indicator(block)[row], np.array(before[:4], dtype=int))
    kept = {tuple(f) for f in block.features.tolist()}
    for row in range(3):
        if row not in (touched, touched + 1):
            assert tuple(np.float32(FEATURES[row]).tolist()) in kept


DAMAGE = {
    "not a label": (b"1,0,2,1,0.5,1,2,\n", 3, "a label, 0 or 1", "'2'"),
    "empty label": (b"1,0,,1,0.5,1,2,\n", 3, "a label, 0 or 1", "''"),
    "label as a number": (b"1.0,0,1,1,0.5,1,2,\n", 1, "a label, 0 or 1", "'1.0'"),
    "word": (b"1,0,0,1,0.5,one,2,\n", 6, "a decimal number", "'one'"),
    "nan": (b"1,0,0,1,nan,1,2,\n", 5, "a decimal number", "'nan'"),
    "infinity": (b"1,0,0,1,1,-inf,2,\n", 6, "a decimal number", "'-inf'"),
    "too large": (b"1,0,0,1,1,1e39,2,\n", 6, "fits float32", "'1e39'"),
    "far too large": (b"1,0,0,1,1,1e999,2,\n", 6, "fits float32", "'1e999'"),
    "empty feature": (b"1,0,0,1,0.5,,2,\n", 6, "a decimal number", "''"),
    "last feature empty": (b"1,0,0,1,0.5,1,,\n", 7, "a decimal number", "''"),
    "two points": (b"1,0,0,1,0.5,1.2.3,2,\n", 6, "a decimal number", "'1.2.3'"),
    "two numbers": (b"1,0,0,1,0.5,1-2,2,\n", 6, "a decimal number", "'1-2'"),
    "bare exponent": (b"1,0,0,1,0.5,1e,2,\n", 6, "a decimal number", "'1e'"),
    "sign alone": (b"1,0,0,1,0.5,-,2,\n", 6, "a decimal number", "'-'"),
    "hexadecimal": (b"1,0,0,1,0.5,0x10,2,\n", 6, "a decimal number", "'0x10'"),
    "space": (b"1,0,0,1,0.5, 1,2,\n", 6, "a decimal number", "' 1'"),
    "space before a label": (b"1, 0,0,1,0.5,1,2,\n", 2, "a label, 0 or 1", "' 0'"),
    "NUL": (b"1,0,0,1,0.5,\x00,2,\n", 6, "a decimal number", r"'\x00'"),
    "not UTF-8": (b"1,0,0,1,0.5,\xff,2,\n", 6, "a decimal number", "'\ufffd'"),
    "quotes": (b'1,0,0,1,0.5,"1",2,\n', 6, "a decimal number", "'\"1\"'"),
    "missing field": (b"1,0,0,1,0.5,1,\n", 0, "7 fields", "6 and then ''"),
    "missing last comma": (b"1,0,0,1,0.5,1,2\n", 0, "7 fields", "6 and then '2'"),
    "extra field": (b"1,0,0,1,0.5,1,2,3,\n", 0, "7 fields", "8"),
    "text after the end": (b"1,0,0,1,0.5,1,2,3\n", 8, "nothing after the last comma", "'3'"),
    "empty line": (b"\n", 0, "7 fields", "an empty line"),
    "other separator": (b"1;0;0;1;0.5;1;2;\n", 0, "7 fields", "0 and then '1;0;0;1;0.5;1;2;'"),
    "byte order mark inside": (b"\xef\xbb\xbf1,0,0,1,0.5,1,2,\n", 1, "a label", r"'\ufeff1'"),
    "HTML": (b"<html>not found</html>\n", 0, "7 fields", "0 and then '<html>not found</html>'"),
}


@pytest.mark.parametrize(("bad", "field", "expected", "actual"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_named_or_skipped(folder, bad, field, expected, actual):
    content = line(LABELS[0], FEATURES[0]) + bad + line(LABELS[2], FEATURES[2])
    with pytest.raises(ValueError, match=r"train_0\.csv, line 2") as error:
        parse(content, folder)
    assert expected in str(error.value)
    assert f"got {actual}" in str(error.value)

    block, damage = parse(content, folder, skip=True)
    assert block.records.tolist() == [1, 3]
    np.testing.assert_array_equal(block.features, np.float32([FEATURES[0], FEATURES[2]]))
    (problem,) = damage
    place = f"line 2, field {field}" if field else "line 2"
    assert (problem.place, problem.actual) == (place, actual)
    assert expected in problem.expected


def test_empty_file(folder):
    with pytest.raises(ValueError, match="got an empty file"):
        parse(b"", folder)
    block, damage = parse(b"", folder, skip=True)
    assert block.features.shape == (0, N_FEATURES)
    assert len(damage) == 1


class TestGzip:
    NAME = "train_0.csv.gz"
    CUT = "expected a complete gzip file, got one that is cut off"

    @pytest.fixture
    def features(self):
        return np.random.default_rng(0).normal(size=(3000, N_FEATURES)).astype(np.float32)

    @pytest.fixture
    def content(self, features):
        return b"".join(line([0, 1, 0, 1], row) for row in features)

    @pytest.mark.parametrize("end", [b"\n", b"\r\n"])
    @pytest.mark.parametrize("n_members", [1, 3])
    def test_a_cut_at_any_byte_keeps_the_whole_lines_before_it(self, folder, n_members, end):
        rng = np.random.default_rng(1)
        content = b"".join(line([0, 1, 0, 1], row) for row in rng.normal(size=(60, N_FEATURES)))
        content = content.replace(b"\n", end)
        borders = np.linspace(0, len(content), n_members + 1).astype(int)
        parts = [content[a:b] for a, b in itertools.pairwise(borders)]
        packed = [gzip.compress(part) for part in parts]
        data, sizes = b"".join(packed), np.cumsum([0, *map(len, packed)])
        for size in range(1, len(data)):
            member = int(np.searchsorted(sizes, size, side="right")) - 1
            rest = zlib.decompressobj(31).decompress(data[sizes[member] : size])
            known = b"".join(parts[:member]) + rest
            expected, _ = parse(known or b"0\n", folder, skip=True)
            block, damage = parse(data[:size], folder, name=self.NAME, skip=True)
            np.testing.assert_array_equal(block.features, expected.features)
            np.testing.assert_array_equal(block.labels, expected.labels)
            assert block.records.tolist() == list(range(1, len(expected.records) + 1))
            if size in sizes:
                # Between two members a file is complete, except for a line that the next continues.
                assert damage[1:] == []
                continue
            (problem,) = damage
            n_lines = len(block.records)
            assert problem.place == f"line {n_lines + 1}"
            with pytest.raises(ValueError, match=rf"csv\.gz, line {n_lines + 1}: {self.CUT}"):
                parse(data[:size], folder, name=self.NAME)

    @pytest.mark.parametrize("share", [0.1, 0.7, 0.999])
    def test_a_cut_in_a_file_of_many_blocks(self, folder, features, content, share):
        packed = gzip.compress(content * 20)
        block, damage = parse(packed[: int(share * len(packed))], folder, name=self.NAME, skip=True)
        assert len(block.records) > 0.9 * share * 60000
        np.testing.assert_array_equal(
            block.features, np.tile(features, (20, 1))[: len(block.records)]
        )
        assert [problem.place for problem in damage] == [f"line {len(block.records) + 1}"]

    def test_damaged_lines_before_a_cut_have_their_entries(self, folder, content):
        lines = content.splitlines(keepends=True)
        lines[4] = b"1,0,0,7,0.5,1,2,\n"
        packed = gzip.compress(b"".join(lines))
        cut = packed[: len(packed) // 2]
        block, damage = parse(cut, folder, name=self.NAME, skip=True)
        n_lines = block.records[-1]
        assert block.records.tolist() == [1, 2, 3, 4, *range(6, n_lines + 1)]
        assert [d.place for d in damage] == ["line 5, field 4", f"line {n_lines + 1}"]
        with pytest.raises(ValueError, match="line 5, field 4"):
            parse(cut, folder, name=self.NAME)

    @settings(max_examples=300, deadline=None)
    @given(data=st.data())
    def test_no_line_of_a_changed_stream_is_trusted(self, folder, data):
        """Only members whose checksum is right are kept; the first other line is named."""
        parts = [SOUND, SOUND * 5, SOUND * 2]
        packed = [bytearray(gzip.compress(part)) for part in parts]
        member = data.draw(st.integers(0, 2))
        place = data.draw(st.integers(10, len(packed[member]) - 5))
        packed[member][place] ^= data.draw(st.integers(1, 255))
        content = b"".join(packed)
        n_sound = sum(len(part) // len(SOUND) * 3 for part in parts[:member])
        block, damage = parse(content, folder, name=self.NAME, skip=True)
        if not damage:
            # Some bits at the end of a stream mean nothing.
            assert gzip.decompress(content) == b"".join(parts)
            assert block.records.tolist() == list(range(1, 25))
            return
        if damage[-1].expected == "a complete gzip file":
            # The changed stream runs on to the end of the file, as that of a cut file does.
            return
        assert block.records.tolist() == list(range(1, n_sound + 1))
        np.testing.assert_array_equal(
            block.features, np.tile(np.float32(FEATURES), (8, 1))[:n_sound]
        )
        (problem,) = damage
        assert problem.place == f"line {n_sound + 1}"
        assert problem.expected == "a valid gzip file"
        with pytest.raises(ValueError, match=rf"line {n_sound + 1}: expected a valid gzip file"):
            parse(content, folder, name=self.NAME)

    def test_a_changed_checksum(self, folder):
        packed = bytearray(gzip.compress(SOUND))
        packed[-6] ^= 0xFF
        with pytest.raises(ValueError, match="line 1: expected a valid gzip file"):
            parse(bytes(packed), folder, name=self.NAME)
        block, damage = parse(bytes(packed), folder, name=self.NAME, skip=True)
        assert block.records.size == 0
        assert "CRC" in damage[0].actual

    def test_what_follows_the_last_member(self, folder):
        packed = gzip.compress(SOUND)
        block, damage = parse(packed + bytes(512), folder, name=self.NAME)  # padding, as on tapes
        assert len(block.records) == 3
        block, damage = parse(packed + b"<html></html>", folder, name=self.NAME, skip=True)
        assert len(block.records) == 3
        assert damage[0].place == "line 4"
        assert "html" in damage[0].actual

    @pytest.mark.parametrize("content", [b"", b"<html></html>", SOUND])
    def test_what_is_not_gzip(self, folder, content):
        with pytest.raises(ValueError, match=r"train_0\.csv\.gz"):
            parse(content, folder, name=self.NAME)
