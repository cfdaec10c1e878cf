"""The TFRecord container: agrees with TensorFlow, and says what is damaged and where."""

import gzip
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sk_yt8m.datasets._formats.damage import Report
from sk_yt8m.datasets._formats.tfrecord.container import read_records, write_records

CONTENTS = [b"first", b"", b"third" * 9, b"the last"]


@pytest.fixture(scope="module")
def tf():
    from sk_yt8m._tensorflow import tf

    return tf


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def sound(folder):
    """Return the bytes of a file of four records."""
    write_records(folder / "sound.tfrecord", CONTENTS)
    return (folder / "sound.tfrecord").read_bytes()


OFFSETS = [0]
for content in CONTENTS:
    OFFSETS.append(OFFSETS[-1] + 16 + len(content))


def read(data: bytes, folder, *, skip=True):
    path = folder / "file.tfrecord"
    path.write_bytes(data)
    report = Report(skip=skip)
    records = list(read_records(path, report))
    return records, report.damage


@given(st.lists(st.binary(max_size=300), max_size=5), st.sampled_from(["", ".gz"]))
def test_tensorflow_reads_what_is_written(tf, folder, contents, end):
    path = folder / f"ours.tfrecord{end}"
    write_records(path, contents)
    kind = "GZIP" if end else ""
    dataset = tf.data.TFRecordDataset(str(path), compression_type=kind)
    assert [record.numpy() for record in dataset] == contents


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.sampled_from(["", "GZIP"]))
def test_what_tensorflow_writes_is_read(tf, folder, contents, kind):
    path = folder / "theirs.tfrecord"
    with tf.io.TFRecordWriter(str(path), kind) as writer:
        for content in contents:
            writer.write(content)
    records = list(read_records(path, Report(skip=False)))
    assert [record.content for record in records] == contents
    assert [record.number for record in records] == list(range(1, len(contents) + 1))
    sizes = [16 + len(content) for content in contents]
    assert [record.offset for record in records] == [sum(sizes[:i]) for i in range(len(sizes))]


def test_a_cut_at_any_byte_keeps_the_records_before_it_and_is_named(sound, folder):
    for size in range(1, len(sound)):
        records, damage = read(sound[:size], folder)
        n_whole = sum(end <= size for end in OFFSETS[1:])
        assert [record.content for record in records] == CONTENTS[:n_whole]
        # A cut between two records leaves no trace.
        assert len(damage) == (size not in OFFSETS)
        if damage:
            assert damage[0].place == f"record {n_whole + 1} at byte {OFFSETS[n_whole]}"
            place = rf"file\.tfrecord, record {n_whole + 1} at byte {OFFSETS[n_whole]}: expected"
            with pytest.raises(ValueError, match=place):
                read(sound[:size], folder, skip=False)


def test_any_flipped_bit_costs_one_record_and_no_other(sound, folder):
    for position in range(len(sound)):
        for bit in (1, 128):
            flipped = bytearray(sound)
            flipped[position] ^= bit
            records, damage = read(bytes(flipped), folder)
            hit = sum(end <= position for end in OFFSETS[1:])
            expected = [content for i, content in enumerate(CONTENTS) if i != hit]
            assert [record.content for record in records] == expected
            assert [d.place for d in damage] == [f"record {hit + 1} at byte {OFFSETS[hit]}"]


def test_a_hole_in_the_file_costs_the_records_it_touches(sound, folder):
    # Removed bytes: the length of the second record is sound and leads astray.
    start, stop = OFFSETS[2] + 14, OFFSETS[2] + 20
    records, damage = read(sound[:start] + sound[stop:], folder)
    assert [record.content for record in records] == [b"first", b"", b"the last"]
    assert [d.place for d in damage] == [f"record 3 at byte {OFFSETS[2]}"]
    assert "next valid header begins" in damage[0].actual


def test_noise_between_records_is_passed_over(sound, folder):
    # The file is searched in blocks of 2**20 bytes; a header may lie across their border.
    across = bytes(2**20 - 5)
    for noise in (bytes(3_000_000), across, b"<html>" * 100, bytes(range(256)) * 40):
        data = sound[: OFFSETS[1]] + noise + sound[OFFSETS[1] :]
        records, damage = read(data, folder)
        assert [record.content for record in records] == CONTENTS
        assert [d.place for d in damage] == [f"record 2 at byte {OFFSETS[1]}"]


@settings(max_examples=300)
@given(st.data())
def test_whatever_happens_to_a_file_only_sound_records_come_out(sound, folder, data):
    damaged = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged)))
        stop = data.draw(st.integers(start, min(len(damaged), start + 30)))
        damaged[start:stop] = data.draw(st.binary(max_size=30))
    records, damage = read(bytes(damaged), folder)
    assert {record.content for record in records} <= set(CONTENTS)
    assert len(records) >= 4 or damage or len(damaged) in OFFSETS
    if not damage:
        joined = b"".join(bytes(damaged)[r.offset :][: 16 + len(r.content)] for r in records)
        assert joined == bytes(damaged)


@pytest.mark.parametrize(
    ("data", "actual"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "HTML"),
        (b'{"error": "not found"}', "JSON"),
        (b"PK\x03\x04" + bytes(40), "zip"),
        (bytes(5), "end of the file after 5"),
        (bytes(100), "no valid record follows"),
        (struct.pack("<QI", 2**63, 0), "no valid record follows"),
    ],
)
def test_other_files_are_named(folder, data, actual):
    records, damage = read(data, folder)
    assert records == []
    assert len(damage) == 1
    assert actual in damage[0].actual
    with pytest.raises(ValueError, match=actual):
        read(data, folder, skip=False)


def test_a_length_that_no_file_has_takes_no_memory(folder):
    from sk_yt8m.datasets._formats.tfrecord.container import _masked

    length = struct.pack("<Q", 2**40)
    _, damage = read(length + struct.pack("<I", _masked(length)) + bytes(100), folder)
    assert damage[0].expected == f"{2**40} bytes and their checksum"


def test_gzip_is_unpacked_and_its_damage_named(sound, folder):
    packed = gzip.compress(sound)
    records, damage = read(packed, folder)
    assert [record.content for record in records] == CONTENTS
    assert damage == []
    for size in range(3, len(packed)):
        records, damage = read(packed[:size], folder)
        assert [record.content for record in records] == CONTENTS[: len(records)]
        assert [d.expected for d in damage] == ["a complete gzip file"]
        assert damage[0].place.startswith(f"record {len(records) + 1} at byte ")
    corrupt = packed[:20] + bytes([packed[20] ^ 255]) + packed[21:]
    records, damage = read(corrupt, folder)
    assert {record.content for record in records} <= set(CONTENTS)
    assert damage


def test_records_are_not_mistaken_for_gzip(folder, tmp_path):
    # The length of such a record begins with gzip's magic bytes.
    content = bytes(0x088B1F)
    write_records(tmp_path / "a.tfrecord", [content])
    assert (tmp_path / "a.tfrecord").read_bytes().startswith(b"\x1f\x8b\x08")
    (record,) = read_records(tmp_path / "a.tfrecord", Report(skip=False))
    assert record.content == content


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.tfrecord"
    write_records(path, [b"old"])

    def broken():
        yield b"new"
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_records(path, broken())
    assert [record.content for record in read_records(path, Report(skip=False))] == [b"old"]
    assert list(tmp_path.iterdir()) == [path]
