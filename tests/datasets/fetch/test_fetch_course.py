"""Fetching the course subset, from a small local server that can misbehave."""

import gzip
import hashlib

import numpy as np
import pytest
from click.testing import CliRunner
from local_server import serving

from sk_yt8m.cli import main
from sk_yt8m.datasets import fetch_course, make_videos, sample_path, write_csv
from sk_yt8m.datasets._fetch import course as _course
from sk_yt8m.datasets._fetch.http import RemoteFile, download

SHARDS = ["train_2.csv", "train_10.csv", "val_27.csv", "val_28.csv"]
VOCABULARY = "yt8m_voc.csv"


def sha256(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def videos():
    return make_videos(8, random_state=0)


@pytest.fixture(scope="module")
def contents(videos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("origin")
    for i, name in enumerate(SHARDS):
        write_csv(folder / name, videos.data[2 * i : 2 * i + 2], videos.target[2 * i : 2 * i + 2])
    contents = {name: (folder / name).read_bytes() for name in SHARDS}
    return contents | {VOCABULARY: (sample_path() / "vocabulary.csv").read_bytes()}


@pytest.fixture
def server(contents, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(
        _course, "_read_registry", lambda: {name: sha256(c) for name, c in contents.items()}
    )
    with serving({address(name): content for name, content in contents.items()}) as server:
        yield server


def address(name):
    return f"/{name}" if name == VOCABULARY else f"/dataset/{name}"


@pytest.fixture
def fetch(server, tmp_path):
    def fetch(**options):
        defaults = {"data_home": tmp_path, "base_url": server.url, "delay": 0.0}
        return fetch_course(**{**defaults, **options})

    return fetch


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "yt8m_course"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_fetches_loads_and_does_not_fetch_again(fetch, server, folder, videos):
    course = fetch()
    np.testing.assert_array_equal(course.data, videos.data)
    np.testing.assert_array_equal(course.target, videos.target)
    assert [path.name for path in course.files] == SHARDS
    assert course.vocabulary_path == folder / VOCABULARY
    assert names_in(folder) == sorted([*SHARDS, VOCABULARY])
    assert "CC BY 4.0" in course.DESCR
    assert set(server.requests.values()) == {1}
    again = fetch(download_if_missing=False)
    assert isinstance(again.data, np.memmap)
    np.testing.assert_array_equal(again.data, videos.data)
    assert set(server.requests.values()) == {1}


def test_only_downloads(fetch, server, folder, monkeypatch):
    monkeypatch.setattr(_course, "load_csv", lambda *_, **__: pytest.fail("parsed"))
    assert fetch(download_only=True) == folder
    assert names_in(folder) == sorted([*SHARDS, VOCABULARY])
    assert [path.name for path in folder.iterdir() if path.is_dir()] == []
    assert fetch(download_only=np.True_, split="val", download_if_missing=False) == folder
    assert set(server.requests.values()) == {1}
    for name in ("return_X_y", "as_frame"):
        with pytest.raises(ValueError, match="download_only must be False with"):
            fetch(download_only=True, **{name: True})


def test_the_command_only_downloads(server, tmp_path, folder, monkeypatch):
    monkeypatch.setattr(_course, "load_csv", lambda *_, **__: pytest.fail("parsed"))
    options = ["--to", str(tmp_path), "--base-url", server.url]
    for split, names in ((["--split", "val"], ["val_28.csv"]), ([], SHARDS)):
        result = CliRunner().invoke(main, ["fetch", "course", *options, *split])
        assert result.exit_code == 0, result.output
        assert result.stdout == f"{folder}\n{folder / VOCABULARY}\n"
        assert names_in(folder) == sorted([*names, VOCABULARY])


@pytest.mark.parametrize(
    ("split", "rows"), [("train", slice(0, 4)), ("test", slice(4, 6)), ("val", slice(6, 8))]
)
def test_a_split_needs_only_its_files(fetch, server, videos, split, rows):
    X, Y = fetch(split=split, return_X_y=True, return_indicator="sparse", n_jobs=1)
    np.testing.assert_array_equal(X, videos.data[rows])
    np.testing.assert_array_equal(Y.toarray(), videos.target[rows])
    files = {address(name) for name in SHARDS[rows.start // 2 : rows.stop // 2]}
    assert set(server.requests) == files | {address(VOCABULARY)}


def test_frames_and_progress(fetch, capsys):
    course = fetch(split="val", as_frame=True, progress=True)
    assert course.frame.shape == (2, 1152 + 3862)
    assert "downloading" in capsys.readouterr().err


def test_goes_on_where_a_broken_call_stopped(fetch, server, folder, videos):
    server.faults[address("val_28.csv")] = [404]
    with pytest.raises(OSError, match=r"val_28\.csv \(tries: 1\): 404"):
        fetch(n_jobs=1)
    assert names_in(folder) == sorted([*SHARDS[:3], VOCABULARY])
    np.testing.assert_array_equal(fetch(n_jobs=1).data, videos.data)
    wanted = {address(name): 1 for name in [*SHARDS, VOCABULARY]}
    assert server.requests == wanted | {address("val_28.csv"): 2}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("corrupt", r"expected sha256:\w{64}, got \w{64}: the download was deleted"),
        ("cut", "IncompleteRead"),
        (500, "500 Server Error"),
        (429, "429 .*Too Many Requests"),
    ],
)
def test_a_passing_fault_is_tried_again_and_a_lasting_one_is_an_error(
    fetch, server, folder, videos, fault, reason
):
    place = address("train_10.csv")
    server.faults[place] = [fault] * 5
    with (
        pytest.warns(UserWarning, match=f"trying .*train_10.csv again after: .*{reason}"),
        pytest.raises(OSError, match=rf"train_10\.csv \(tries: 3\): .*{reason}"),
    ):
        fetch(n_retries=2)
    assert server.requests[place] == 3
    assert "train_10.csv" not in names_in(folder)
    assert not [name for name in names_in(folder) if name not in [*SHARDS, VOCABULARY]]
    with pytest.warns(UserWarning, match="again after"):
        course = fetch(n_retries=2)
    assert server.requests[place] == 6
    np.testing.assert_array_equal(course.data, videos.data)


def test_what_will_not_pass_is_not_tried_again(fetch, server):
    del server.files[address(VOCABULARY)]
    with pytest.raises(OSError, match=r"yt8m_voc\.csv \(tries: 1\): 404"):
        fetch()
    assert server.requests[address(VOCABULARY)] == 1
    with pytest.raises(OSError, match=r"could not download nowhere/.* \(tries: 1\)"):
        fetch(base_url="nowhere")


def test_a_server_that_is_not_there(fetch, server):
    with (
        pytest.warns(UserWarning, match="again after"),
        pytest.raises(OSError, match=r"\(tries: 2\)"),
    ):
        fetch(base_url="http://127.0.0.1:1", n_retries=1)
    assert not server.requests


def test_waits_between_tries(fetch, server, monkeypatch):
    waits = []
    monkeypatch.setattr("sk_yt8m.datasets._fetch.retry.time.sleep", waits.append)
    server.faults[address("val_28.csv")] = [503, "corrupt"]
    with pytest.warns(UserWarning, match="again after"):
        fetch(split="val", delay=2.5)
    assert waits == [2.5, 2.5]


def test_missing_or_damaged_without_download(fetch, server, folder, contents):
    with pytest.raises(OSError, match=r"5 of 5 files are missing from .*yt8m_voc.csv: .*no such"):
        fetch(download_if_missing=False)
    assert not server.requests
    fetch()
    (folder / "val_27.csv").write_bytes(contents["val_27.csv"][:-10])
    with pytest.raises(OSError, match=r"1 of 5 .*val_27\.csv: expected SHA256 \w{64}, got \w{64}"):
        fetch(download_if_missing=False)
    with pytest.warns(UserWarning, match=r"val_27.csv will be downloaded again: .*expected SHA256"):
        fetch()
    assert (folder / "val_27.csv").read_bytes() == contents["val_27.csv"]
    assert server.requests[address("val_27.csv")] == 2
    assert server.requests[address("val_28.csv")] == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("split", "validate"), ("return_indicator", "csr"), ("n_retries", -1), ("delay", -1.0)],
)
def test_bad_parameters_are_refused_before_anything_is_fetched(fetch, server, name, value):
    with pytest.raises(
        ValueError, match=f"The '{name}' parameter of fetch_course .* Got {value!r}"
    ):
        fetch(**{name: value})
    assert not server.requests


def test_other_checksums_and_several_at_a_time(server, folder, contents, capfd):
    files = [
        RemoteFile(name, server.url + address(name), "md5:" + hashlib.md5(content).hexdigest())
        for name, content in contents.items()
    ]
    paths = download(files, folder, n_threads=3)
    assert [path.read_bytes() for path in paths] == list(contents.values())
    assert capfd.readouterr() == ("", "")


def test_the_rest_is_given_up_after_an_error(server, folder):
    files = [RemoteFile(f"{i}.csv", f"{server.url}/{i}.csv", sha256(b"x")) for i in range(100)]
    server.files |= {f"/{i}.csv": b"x" for i in range(1, 100)}
    with pytest.raises(OSError, match=r"/0\.csv \(tries: 1\): 404"):
        download(files, folder, n_threads=1)
    assert len(server.requests) < 50


def test_the_registry_has_every_file_of_the_course(course_dir):
    registry = _course._read_registry()
    given = (course_dir / "registry.txt").read_text().split()
    assert registry == dict(zip(given[::2], (f"sha256:{d}" for d in given[1::2]), strict=True))
    assert registry[VOCABULARY] == sha256((course_dir / "vocabulary.csv").read_bytes())
    for path in (course_dir / "csv").glob("*.csv.gz"):
        assert registry[path.stem] == sha256(gzip.decompress(path.read_bytes()))


@pytest.mark.parametrize(
    ("split", "n_files", "first", "last"),
    [
        ("train", 206, "train_0.csv", "train_205.csv"),
        ("test", 28, "val_0.csv", "val_27.csv"),
        ("val", 29, "val_28.csv", "val_56.csv"),
        (None, 263, "train_0.csv", "val_56.csv"),
    ],
)
def test_what_a_split_fetches(split, n_files, first, last):
    vocabulary, shards = _course.vocabulary_file(), _course._shards(split, None)
    assert len(shards) == n_files
    assert (vocabulary.name, shards[0].name, shards[-1].name) == (VOCABULARY, first, last)
    root = (
        "https://raw.githubusercontent.com/Busson/curso_deep_learning_para_multimidia/"
        "0a67ebaf66bb643dfb5f2b12e1b37b704933ba6b/5_multiclassificacao_video"
    )
    assert vocabulary.url == f"{root}/{VOCABULARY}"
    assert shards[0].url == f"{root}/dataset/{first}"
    assert all(len(file.checksum) == len("sha256:") + 64 for file in shards)
