"""Label names: joined on Index, read as they stand, and refused when damaged."""

import gzip

import numpy as np
import pytest

from sk_yt8m.datasets import load_vocabulary

HEADER = (
    "Index,TrainVideoCount,KnowledgeGraphId,Name,WikiUrl,Vertical1,Vertical2,Vertical3,"
    "WikiDescription\n"
)
ROWS = [
    '2,5,/m/2,"Cars, old",http://w/2,Autos,Hobbies,,"Two\nlines, ""quoted"""\n',
    "0,9,/m/0,NaN,,Games,,,None\n",
    "1,7,/m/1,,,Games,,,\n",
]


def written(path, text):
    path.write_bytes(text.encode())
    return path


def test_rows_are_joined_on_index_and_text_is_kept(tmp_path):
    vocabulary = load_vocabulary(written(tmp_path / "voc.csv", HEADER + "".join(ROWS)))
    assert vocabulary.index.name == "label"
    assert vocabulary.index.dtype == np.int64
    assert vocabulary.index.tolist() == [0, 1, 2]
    assert list(vocabulary.columns) == [
        "name",
        "knowledge_graph_id",
        "train_video_count",
        "wiki_url",
        "vertical1",
        "vertical2",
        "vertical3",
        "description",
    ]
    assert vocabulary["name"].tolist() == ["NaN", "/m/1", "Cars, old"]
    assert vocabulary["train_video_count"].dtype == np.int64
    assert vocabulary.loc[2].tolist()[1:] == [
        "/m/2",
        5,
        "http://w/2",
        "Autos",
        "Hobbies",
        "",
        'Two\nlines, "quoted"',
    ]
    assert vocabulary.loc[0, "description"] == "None"
    assert vocabulary.loc[1, "wiki_url"] == ""


def test_gzip_crlf_byte_order_mark_and_other_columns(tmp_path):
    text = HEADER + "".join(ROWS)
    plain = load_vocabulary(written(tmp_path / "voc.csv", text))
    packed = tmp_path / "voc.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert load_vocabulary(packed).equals(plain)
    header, *rows = (HEADER + "".join(ROWS[1:])).splitlines()
    odd = "\ufeff" + "\r\n".join([f"More,{header}", *(f"x,{row}" for row in rows)])
    assert load_vocabulary(str(written(tmp_path / "odd.csv", odd))).equals(plain[:2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header and rows, got an empty file"),
        (HEADER, "expected a row for every label, got a header only"),
        (HEADER.replace("Name,", "Title,") + ROWS[1], "missing: Name; got: 'Index,.*Title"),
        (HEADER + ROWS[1] + "1,7,/m/1\n", "line 3: expected 9 fields, got 3"),
        (HEADER + ROWS[1] + "1,7,/m/1,a,b,,,,,c\n", "line 3: expected 9 fields, got 10"),
        (HEADER + "x" + ROWS[1], "line 2: expected a whole number in Index, got 'x0'"),
        (HEADER + "-" + ROWS[2], "line 2: expected a whole number in Index, got '-1'"),
        (HEADER + ROWS[1].replace("9", "9.5"), "line 2: .*in TrainVideoCount, got '9.5'"),
        (
            HEADER + "".join(ROWS) + ROWS[0],
            r"line 7: expected every Index once, got 2 again \(first in line 3\)",
        ),
        (HEADER + ROWS[0] + ROWS[1], "got 2 rows with Index up to 2, and 1 is missing"),
        (HEADER + ROWS[1] + ROWS[0][:-4], "line 4: expected CSV with closed quotes"),
    ],
)
def test_damage_is_named(tmp_path, text, message):
    path = written(tmp_path / "broken.csv", text)
    with pytest.raises(ValueError, match=rf"broken\.csv.*{message}"):
        load_vocabulary(path)


def test_damaged_bytes_and_no_file(tmp_path):
    packed = gzip.compress((HEADER + "".join(ROWS)).encode())
    (tmp_path / "cut.csv.gz").write_bytes(packed[:-12])
    with pytest.raises(ValueError, match=r"cut\.csv\.gz: expected a complete gzip file"):
        load_vocabulary(tmp_path / "cut.csv.gz")
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + b"\xe9")
    with pytest.raises(ValueError, match=r"latin\.csv: expected UTF-8, got byte 0xe9 at 98"):
        load_vocabulary(tmp_path / "latin.csv")
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        load_vocabulary(tmp_path / "none.csv")


def test_the_real_vocabulary(course_dir):
    vocabulary = load_vocabulary(course_dir / "vocabulary.csv")
    assert vocabulary.index.tolist() == list(range(3862))
    # The 31st row after the header, row 30 from 0, is label 31.
    assert (course_dir / "vocabulary.csv").read_text("utf-8").splitlines()[31].startswith("31,")
    assert vocabulary.loc[31, "name"] == "Piano"
    assert vocabulary.loc[0, ["name", "train_video_count"]].tolist() == ["Game", 788288]
    nameless = vocabulary["name"] == vocabulary["knowledge_graph_id"]
    assert nameless.sum() == 56
    assert (vocabulary["name"] != "").all()
    assert vocabulary.notna().all(axis=None)
