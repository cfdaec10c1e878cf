"""`max_videos` counts videos, each of them once."""

import numpy as np
import pytest

from sk_yt8m.datasets import load_tfrecords, make_videos, write_tfrecords
from sk_yt8m.datasets._formats.damage import Report
from sk_yt8m.datasets._formats.tfrecord.container import read_records, write_records

OPTIONS = {"features": {"all": 7}, "n_labels": 5}
#: The ids of the records of each file.
FILES = {
    "repeated in a file": ["a b a c d e f g h i"],
    "many times": ["a a a a a a a a b b b b c d e f g"],
    "across files": ["a b c", "b c a d", "e a f g"],
    "a file of nothing new": ["a b c", "a b c", "c b a d e f"],
    "new ones late in a file": ["a b c d", "a b c d a b c d e f g", "h"],
    "too few": ["a b c", "a b", "d"],
    "none": ["a b c d e f g"],
}


def write(folder, files):
    X, Y = make_videos(60, n_features=7, n_labels=5, return_X_y=True, random_state=0)
    row = 0
    for number, names in enumerate(files):
        parts = []
        for name in names.split():
            path = folder / "one.tfrecord"
            write_tfrecords(path, X[[row]], Y[[row]], [name], features={"all": 7})
            parts += [record.content for record in read_records(path, Report(skip=False))]
            path.unlink()
            row += 1
        write_records(folder / f"train{number}.tfrecord", parts)
    return X


def first_rows(files, n_videos):
    """Return the rows of the first videos, and how many rows there are up to the last of them."""
    names = " ".join(files).split()
    rows = [row for row, name in enumerate(names) if names.index(name) == row][:n_videos]
    is_all = n_videos > len(set(names))
    return rows, len(names) if is_all else rows[-1] + 1


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
@pytest.mark.parametrize("n_videos", [1, 3, 4, 5, 6, 100])
def test_repeated_ids_do_not_count(tmp_path, files, n_videos):
    X = write(tmp_path, files)
    options = OPTIONS | {"on_error": "skip", "max_videos": n_videos}
    videos = load_tfrecords(tmp_path, **options)
    rows, n_read = first_rows(files, n_videos)
    assert videos.ids.tolist() == [" ".join(files).split()[row] for row in rows]
    np.testing.assert_array_equal(videos.data, X[rows])
    assert len(videos.errors) == n_read - len(rows)


def test_repeated_ids_are_errors_as_far_as_is_read(tmp_path):
    write(tmp_path, FILES["repeated in a file"])
    with pytest.raises(ValueError, match=r"record 3 .*'a', the id of"):
        load_tfrecords(tmp_path, max_videos=5, **OPTIONS)
    assert len(load_tfrecords(tmp_path, max_videos=2, **OPTIONS).data) == 2


def test_damage_after_the_last_video_is_not_listed(tmp_path):
    write(tmp_path, FILES["many times"])
    path = tmp_path / "train0.tfrecord"
    path.write_bytes(path.read_bytes()[:-3])
    options = OPTIONS | {"on_error": "skip"}
    assert len(load_tfrecords(tmp_path, **options).errors) == 11
    few = load_tfrecords(tmp_path, max_videos=4, **options)
    assert few.ids.tolist() == ["a", "b", "c", "d"]
    assert len(few.errors) == 10
    assert {error.place.split(", ")[1] for error in few.errors} == {"key 'id'"}


@pytest.mark.parametrize("n_videos", [1, 2, 3])
def test_segments_of_a_video_count_once(tmp_path, n_videos):
    frames = np.random.default_rng(0).integers(0, 256, (4, 20, 7), dtype=np.uint8)
    segments = [[[0, 2, 1], [5, 3, 0]], [[0, 1, 1]], [[10, 1, 1], [15, 2, 0]], [[0, 1, 1]]]
    for number, names in enumerate((["a", "b", "c", "d"], ["a", "e", "f", "g"])):
        path = tmp_path / f"validate{number}.tfrecord"
        write_tfrecords(
            path,
            frames,
            np.eye(4, 5),
            names,
            level="frame",
            segments=segments,
            features={"all": 7},
        )
    options = OPTIONS | {"on_error": "skip", "max_videos": 4 + n_videos}
    videos = load_tfrecords(tmp_path, **options)
    assert list(dict.fromkeys(videos.ids.tolist())) == list("abcdefg")[: 4 + n_videos]
    assert len(videos.errors) == 1


def test_in_several_processes(tmp_path):
    write(tmp_path, FILES["new ones late in a file"])
    options = OPTIONS | {"on_error": "skip", "max_videos": 8}
    assert load_tfrecords(tmp_path, n_jobs=2, **options).ids.tolist() == list("abcdefgh")
