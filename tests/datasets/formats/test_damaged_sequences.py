"""Any sequence of sound and damaged records: what is kept, its number, and one entry a record.

The reader is compared with a slow, obvious one, which knows how each record was damaged.
"""

import gzip
import struct
import zlib
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sk_yt8m.datasets import convert, load_tfrecords, write_tfrecords
from sk_yt8m.datasets._formats.damage import Report
from sk_yt8m.datasets._formats.tfrecord.container import _masked, read_records

#: How a record is damaged, and whether its header tells where it ends.
KINDS = {
    "sound": True,
    "content": True,  # other bytes than its checksum's
    "footer": True,  # another checksum
    "both": True,
    "length checksum": False,  # the length is right
    "length checksum and content": False,
    "length": False,  # the content is sound
    "high byte of length": False,
    "all": False,  # nothing of it is left
}
KIND = st.sampled_from(list(KINDS))


class Piece(NamedTuple):
    """A record in a file."""

    kind: str
    content: bytes
    data: bytes


def piece(kind, content) -> Piece:
    length = struct.pack("<Q", len(content))
    header = bytearray(length + struct.pack("<I", _masked(length)))
    body = bytearray(content)
    footer = bytearray(struct.pack("<I", _masked(content)))
    if kind in ("content", "both", "length checksum and content"):
        body[len(body) // 2] ^= 0x10
    if kind in ("footer", "both"):
        footer[1] ^= 0x80
    if kind.startswith("length checksum"):
        header[9] ^= 1
    if kind == "length":
        header[0] ^= 0x55
    if kind == "high byte of length":
        header[7] ^= 1
    if kind == "all":
        rng = np.random.default_rng(len(content))
        return Piece(kind, content, rng.bytes(len(content) + 16))
    return Piece(kind, content, bytes(header + body + footer))


def obvious(pieces: list[Piece]) -> tuple[list[tuple[int, bytes]], list[str]]:
    """Return (number, content) of what is kept, and the place of each entry of damage."""
    kept, damage = [], []
    number, offset, at = 1, 0, 0
    while at < len(pieces):
        here = pieces[at]
        if here.kind == "sound":
            kept.append((number, here.content))
        else:
            damage.append(f"record {number} at byte {offset}")
        n_merged = n_inseparable(pieces[at:])
        offset += sum(len(one.data) for one in pieces[at : at + n_merged])
        number, at = number + 1, at + n_merged
    return kept, damage


def n_inseparable(pieces: list[Piece]) -> int:
    """Return how many records the first one stands for: the next ones may be told from it or not.

    The end of a record is known from a sound header; from a sound content; or from lengths that,
    one after the other, lead to a place where one of these is, or to the end of the file.
    """
    run = 0
    while run < len(pieces) and not KINDS[pieces[run].kind]:
        run += 1
    if run == 0 or pieces[0].kind in ("length", "high byte of length", "length checksum"):
        return 1
    chain = 0
    while chain < run and pieces[chain].kind.startswith("length checksum"):
        chain += 1
    if chain and (chain == run or pieces[chain].kind in ("length", "high byte of length")):
        return 1
    sound = [i for i, one in enumerate(pieces[:chain]) if one.kind == "length checksum"]
    return 1 if sound else run


def read(path, data, *, skip=True):
    path.write_bytes(data)
    report = Report(skip=skip)
    return list(read_records(path, report)), report.damage


def record_of(place) -> int:
    """Return the number of a record from "record 7 at byte 120"."""
    return int(place.split()[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sequences")


PIECES = st.lists(
    st.builds(piece, KIND, st.binary(min_size=30, max_size=80)), min_size=1, max_size=7
)


def pieces_of(*kinds):
    return [piece(kind, f"record {i}: {kind}".encode() * 3) for i, kind in enumerate(kinds)]


@settings(max_examples=500, deadline=None)
@given(PIECES, st.sampled_from(["", ".gz"]))
@example(pieces_of("sound", "content", "length", "sound", "sound"), "")
@example(pieces_of("sound", "content", "content", "sound"), "")
@example(pieces_of("length", "length", "length", "sound"), "")
@example(pieces_of("sound", "length checksum", "length checksum and content", "sound"), "")
@example(pieces_of("length checksum and content", "all", "sound"), "")
@example(pieces_of("length checksum and content", "length checksum and content"), "")
def test_numbers_and_entries_of_any_sequence(folder, pieces, end):
    data = b"".join(one.data for one in pieces)
    path = folder / f"any.tfrecord{end}"
    records, damage = read(path, gzip.compress(data) if end else data)
    kept, expected = obvious(pieces)
    assert [(record.number, record.content) for record in records] == kept
    assert [d.place for d in damage] == expected


@given(PIECES, st.data())
@settings(max_examples=300, deadline=None)
def test_a_cut_after_damage_hides_nothing_before_it(folder, pieces, data):
    pieces = [piece("content" if p.kind == "all" else p.kind, p.content) for p in pieces]
    whole = b"".join(one.data for one in pieces)
    size = data.draw(st.integers(1, len(whole)))
    ends = np.cumsum([len(one.data) for one in pieces])
    n_whole = int((ends <= size).sum())
    path = folder / "cut.tfrecord"
    records, damage = read(path, whole[:size])
    kept = [(i + 1, p.content) for i, p in enumerate(pieces[:n_whole]) if p.kind == "sound"]
    assert [record.content for record in records] == [content for _, content in kept]
    if all(KINDS[p.kind] for p in pieces):
        assert [record.number for record in records] == [number for number, _ in kept]
        assert len(damage) == n_whole - len(kept) + (size not in ends)


@given(PIECES, st.data())
@settings(max_examples=300, deadline=None)
def test_a_cut_gzip_file_tells_the_same_as_its_unpacked_part(folder, pieces, data):
    packed = gzip.compress(b"".join(one.data for one in pieces))
    size = data.draw(st.integers(20, len(packed) - 1))
    part = zlib.decompressobj(31).decompress(packed[:size])
    records, damage = read(folder / "cut.tfrecord.gz", packed[:size])
    plain, plain_damage = read(folder / "part.tfrecord", part)
    assert records == plain
    assert damage[-1].expected == "a complete gzip file"
    assert [d.place for d in damage[:-1]] == [d.place for d in plain_damage][: len(damage) - 1]
    *before, last = [record_of(d.place) for d in damage]
    assert last == max([r.number for r in records] + before, default=0) + 1


def test_a_corrupt_gzip_file_keeps_the_records_before_the_damage(folder):
    rng = np.random.default_rng(0)
    pieces = [piece("sound", rng.bytes(400)) for _ in range(300)]
    packed = bytearray(gzip.compress(b"".join(one.data for one in pieces)))
    for place in (len(packed) // 10, len(packed) // 2, len(packed) * 9 // 10):
        corrupt = packed.copy()
        corrupt[place : place + 40] = rng.bytes(40)
        records, damage = read(folder / "corrupt.tfrecord.gz", bytes(corrupt))
        n_before = place // 420
        assert [r.content for r in records[:n_before]] == [p.content for p in pieces[:n_before]]
        assert {r.content for r in records} <= {p.content for p in pieces}
        assert damage[-1].expected == "a valid gzip file"


@given(PIECES, PIECES)
@settings(max_examples=50, deadline=None)
def test_gzip_files_in_a_row_are_one(folder, first, second):
    data = [b"".join(one.data for one in pieces) for pieces in (first, second)]
    packed = b"".join(gzip.compress(part) for part in data)
    got = read(folder / "members.tfrecord.gz", packed)[0]
    assert got == read(folder / "plain.tfrecord", b"".join(data))[0]


@pytest.mark.parametrize("level", ["video", "frame", "segment"])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_rows_of_every_level_keep_their_numbers(tmp_path, level, end):
    kinds = ["sound", "content", "length", "sound", "length", "length", "content", "sound"]
    rng = np.random.default_rng(0)
    frames = rng.integers(1, 256, (len(kinds), 4, 5), dtype=np.uint8)
    options = {"features": {"all": 5}}
    if level == "video":
        X = frames[:, 0].astype(np.float32)
    else:
        X, options["level"] = frames, "frame"
    if level == "segment":
        options["segments"] = [[(0, 1, 1)]] * len(kinds)
    path = tmp_path / f"a.tfrecord{end}"
    write_tfrecords(path, X, np.eye(8), **options)
    contents = [record.content for record in read_records(path, Report(skip=False))]
    data = b"".join(piece(*pair).data for pair in zip(kinds, contents, strict=True))
    path.write_bytes(gzip.compress(data) if end else data)
    reading = {"features": {"all": 5}, "n_labels": 8, "level": level, "on_error": "skip"}
    loaded = load_tfrecords(path, **reading)
    assert loaded.record.tolist() == [1, 4, 8]
    assert loaded.ids.tolist() == ["a-0", "a-3", "a-7"]
    assert [record_of(d.place) for d in loaded.errors] == [2, 3, 5, 6, 7]
    store = convert(path, tmp_path / "store", **reading)
    assert store.record.tolist() == [1, 4, 8]
    assert [d._asdict() for d in loaded.errors] == store.manifest["damage"]


def test_records_that_cannot_be_told_apart_are_one_and_it_is_said(folder):
    pieces = pieces_of("sound", "all", "all", "sound")
    _, damage = read(folder / "a.tfrecord", b"".join(one.data for one in pieces))
    n_bytes = len(pieces[1].data + pieces[2].data)
    assert damage[0].actual.endswith(
        f"; the next valid header begins {n_bytes} bytes later and counts as record 3"
    )
