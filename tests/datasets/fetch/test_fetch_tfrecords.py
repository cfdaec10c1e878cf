"""Fetching official TFRecords by their download plan, from a local server that can misbehave."""

import hashlib
import json

import numpy as np
import pytest
from click.testing import CliRunner
from local_server import serving

from sk_yt8m.cli import main
from sk_yt8m.datasets import (
    fetch_tfrecords,
    fetch_vocabulary,
    load_tfrecords,
    load_vocabulary,
    make_videos,
    sample_path,
    write_tfrecords,
)
from sk_yt8m.datasets._fetch import course as _course
from sk_yt8m.datasets._fetch import yt8m as _official
from sk_yt8m.datasets._fetch.download_plan import parse_plan

# The plan has them in another order than the natural one.
NAMES = ["train10.tfrecord", "train2.tfrecord", "trainAb.tfrecord", "trainab.tfrecord"]
IN_ORDER = ["train2.tfrecord", "train10.tfrecord", "trainAb.tfrecord", "trainab.tfrecord"]
PLAN = "/2/download_plans/video_train.json"


def md5(content):
    return hashlib.md5(content).hexdigest()


def address(name):
    return f"/2/video/train/{name}"


def plan_of(contents, **more):
    return {name: md5(content) for name, content in contents.items()} | more


@pytest.fixture(scope="module")
def videos():
    return make_videos(8, random_state=0)


@pytest.fixture(scope="module")
def contents(videos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("origin")
    for name in NAMES:
        i = 2 * IN_ORDER.index(name)
        ids = [f"id{row}" for row in (i, i + 1)]
        write_tfrecords(folder / name, videos.data[i : i + 2], videos.target[i : i + 2], ids=ids)
    return {name: (folder / name).read_bytes() for name in NAMES}


@pytest.fixture
def server(contents, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = {address(name): content for name, content in contents.items()}
    with serving(files | {PLAN: json.dumps({"files": plan_of(contents)}).encode()}) as server:
        yield server


@pytest.fixture
def fetch(server, tmp_path):
    def fetch(**options):
        defaults = {"data_home": tmp_path, "mirror": server.url, "delay": 0.0}
        return fetch_tfrecords(**{**defaults, **options})

    return fetch


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "yt8m" / "2" / "video" / "train"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def all_files(home):
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def test_fetches_in_natural_order_and_not_again(fetch, server, folder, videos):
    files = fetch()
    assert files == [folder / name for name in IN_ORDER]
    loaded = load_tfrecords(files)
    np.testing.assert_array_equal(loaded.data, videos.data)
    np.testing.assert_array_equal(loaded.target, videos.target)
    assert names_in(folder) == sorted(NAMES)
    assert server.requests == {PLAN: 1} | {address(name): 1 for name in NAMES}
    assert fetch(download_if_missing=False) == files
    assert sum(server.requests.values()) == 5


def test_a_plan_without_the_key_files(fetch, server, contents):
    server.files[PLAN] = json.dumps({n: d.upper() for n, d in plan_of(contents).items()}).encode()
    assert [file.name for file in fetch()] == IN_ORDER


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        ({"shard": (0, 2)}, IN_ORDER[::2]),
        ({"shard": (1, 2)}, IN_ORDER[1::2]),
        ({"shard": (3, 4)}, IN_ORDER[3:]),
        ({"n_files": 3}, IN_ORDER[:3]),
        ({"n_files": 9}, IN_ORDER),
        ({"shard": (1, 2), "n_files": 1}, IN_ORDER[1:2]),
    ],
)
def test_a_selection_needs_only_its_files(fetch, server, folder, selection, wanted):
    assert [file.name for file in fetch(**selection)] == wanted
    assert names_in(folder) == sorted(wanted)
    assert server.requests == {PLAN: 1} | {address(name): 1 for name in wanted}


def test_a_shard_is_the_one_that_the_loader_takes(fetch):
    chosen = load_tfrecords(fetch(shard=(1, 3))).ids.tolist()
    files = fetch()
    assert load_tfrecords(files[0].parent, shard=(1, 3)).ids.tolist() == chosen


@pytest.mark.parametrize("shard", [(4, 4), (-1, 2), (0, 5), (0,), ("a", "b"), 3])
def test_shards_that_are_none(fetch, server, folder, shard):
    with pytest.raises(ValueError, match=r"shard"):
        fetch(shard=shard)
    assert not names_in(folder)


@pytest.mark.parametrize(
    ("options", "plan", "place"),
    [
        ({"level": "frame", "split": "test"}, "2/download_plans/frame_test", "2/frame/test"),
        (
            {"version": "1", "split": "validate"},
            "1/download_plans/video_level_validate",
            "1/video_level/validate",
        ),
        (
            {"version": "3", "level": "frame", "split": "val"},
            "3/download_plans/frame_validate",
            "3/frame/validate",
        ),
    ],
)
def test_where_other_parts_are(fetch, server, tmp_path, options, plan, place):
    name, content = "a0.tfrecord", b"records"
    server.files = {
        f"/{plan}.json": json.dumps({name: md5(content)}).encode(),
        f"/{place}/{name}": content,
    }
    (file,) = fetch(**options)
    part = {"version": "2", "level": "video"} | {k: v for k, v in options.items() if k != "split"}
    assert file == tmp_path.joinpath("yt8m", *part.values(), place.split("/")[-1], name)
    assert file.read_bytes() == content


def test_official_addresses():
    assert _official._addresses("eu") == ("http://data.yt8m.org", "http://eu.data.yt8m.org")
    assert _official._addresses("https://a/b/") == ("https://a/b", "https://a/b")
    assert sorted(_official._MIRRORS) == ["asia", "eu", "us"]


def test_goes_on_in_a_half_done_folder(fetch, server, folder, contents):
    server.faults[address(IN_ORDER[3])] = [404]
    with pytest.raises(OSError, match=r"trainab\.tfrecord \(tries: 1\): 404"):
        fetch(n_jobs=1)
    assert names_in(folder) == sorted(IN_ORDER[:3])
    (folder / IN_ORDER[0]).write_bytes(contents[IN_ORDER[0]][:-1])
    with pytest.warns(UserWarning, match=r"train2.tfrecord will be downloaded again: .*MD5"):
        fetch(n_jobs=1)
    assert {name: (folder / name).read_bytes() for name in names_in(folder)} == contents
    counts = [server.requests[address(name)] for name in IN_ORDER]
    assert (server.requests[PLAN], counts) == (1, [2, 1, 1, 2])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("corrupt", r"expected md5:\w{32}, got \w{32}"),
        ("cut", "IncompleteRead"),
        (500, "500 Server Error"),
        ("silent", "timed out"),
    ],
)
def test_a_passing_fault_is_tried_again_and_a_lasting_one_is_an_error(
    fetch, server, folder, contents, monkeypatch, fault, reason
):
    monkeypatch.setattr("sk_yt8m.datasets._fetch.http._TIMEOUT", 0.3)
    name = IN_ORDER[1]
    server.faults[address(name)] = [fault] * 3
    with (
        pytest.warns(UserWarning, match=f"trying .*{name} again after: .*{reason}"),
        pytest.raises(OSError, match=rf"{name} \(tries: 2\): .*{reason}"),
    ):
        fetch(n_retries=1)
    assert set(names_in(folder)) <= {*NAMES} - {name}
    with pytest.warns(UserWarning, match="again after"):
        fetch(n_retries=1)
    assert (folder / name).read_bytes() == contents[name]
    assert server.requests[address(name)] == 4


@pytest.mark.parametrize(
    ("fault", "reason"), [(503, "503"), ("cut", "IncompleteRead"), ("silent", "timed out")]
)
def test_the_plan_is_tried_again_too(fetch, server, tmp_path, monkeypatch, fault, reason):
    monkeypatch.setattr("sk_yt8m.datasets._fetch.http._TIMEOUT", 0.3)
    server.faults[PLAN] = [fault] * 3
    with (
        pytest.warns(UserWarning, match="again after"),
        pytest.raises(OSError, match=rf"video_train\.json \(tries: 2\): .*{reason}"),
    ):
        fetch(n_retries=1)
    assert all_files(tmp_path) == []
    with pytest.warns(UserWarning, match="again after"):
        assert len(fetch(n_retries=1)) == 4


def test_no_plan_no_file_and_no_server(fetch, server, tmp_path):
    with pytest.raises(OSError, match=r"video_test\.json \(tries: 1\): 404"):
        fetch(split="test")
    with pytest.raises(OSError, match=r"download plan .*video_train\.json is missing"):
        fetch(download_if_missing=False)
    assert all_files(tmp_path) == []
    fetch(n_files=1)
    with pytest.raises(OSError, match="3 of 4 files are missing"):
        fetch(download_if_missing=False)
    with pytest.raises(OSError, match=r"\(tries: 1\)"):
        fetch(mirror="http://127.0.0.1:1", split="test", n_retries=0)


GOOD = "0" * 32
HOSTILE = [
    "../a.tfrecord",
    "/tmp/a.tfrecord",
    "a/b.tfrecord",
    "a\\b.tfrecord",
    "..",
    ".a.tfrecord",
    "C:a.tfrecord",
    "a\n.tfrecord",
    "a\0.tfrecord",
    "a%2fb.tfrecord",
    "a?b.tfrecord",
    "-a.tfrecord",
    "a.py",
    "tra\u0131n.tfrecord",
    "",
    "a" * 300 + ".tfrecord",
]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (b"<html>Not here</html>", "a download plan in JSON, got b'<html>"),
        (b"", "a download plan in JSON"),
        (b'{"files": {"a.tfrecord": "', "a download plan in JSON"),
        (b"\xff\xfe{}", "a download plan in JSON"),
        (b"[" * 100_000, "a download plan in JSON"),
        (b'{"a.tfrecord": "%s", "a.tfrecord": "%s"}' % (b"0" * 32, b"1" * 32), "is repeated"),
        (b"{}", "the MD5 of each file"),
        (b'{"files": {}}', "the MD5 of each file"),
        (b"[1, 2]", r"the MD5 of each file, got '\[1, 2\]'"),
        *(
            (json.dumps({"ok.tfrecord": GOOD, name: GOOD}).encode(), "without a folder, got")
            for name in HOSTILE
        ),
        *(
            (json.dumps({"a.tfrecord": digest}).encode(), "MD5 of a.tfrecord in 32")
            for digest in ("", "0" * 31, "0" * 33, "g" * 32, None, 5, "sha256:" + "0" * 64)
        ),
    ],
)
def test_a_bad_plan_is_refused_and_leaves_nothing(fetch, server, tmp_path, plan, message):
    server.files[PLAN] = plan
    with pytest.raises(ValueError, match=f"{PLAN}: .*{message}"):
        fetch()
    assert server.requests == {PLAN: 1}
    assert all_files(tmp_path) == []


def test_a_plan_without_end(fetch, server, tmp_path, monkeypatch):
    monkeypatch.setattr("sk_yt8m.datasets._fetch.download_plan._LARGEST_PLAN", 100)
    with pytest.raises(ValueError, match="expected at most 100 bytes, got more"):
        fetch()
    assert all_files(tmp_path) == []


def test_a_kept_plan_that_was_damaged_says_what_to_do(fetch, server, tmp_path):
    fetch(n_files=1)
    kept = tmp_path / "yt8m/2/download_plans/video_train.json"
    kept.write_bytes(kept.read_bytes()[:50])
    with pytest.raises(ValueError, match=r"video_train.json \(delete it to download it again\): "):
        fetch()
    kept.unlink()
    assert len(fetch()) == 4


def test_names_that_differ_in_case_only(fetch, monkeypatch, folder):
    monkeypatch.setattr(_official, "_ignores_case", lambda folder: True)
    with pytest.raises(OSError, match="does not tell upper from lower case"):
        fetch()
    assert len(fetch(shard=(0, 2))) == 2
    monkeypatch.undo()
    assert _official._ignores_case(folder) is False


def test_md5_is_compared_in_lower_case():
    assert parse_plan(b'{"a.tfrecord": "%s"}' % (b"AB" * 16), "x") == {"a.tfrecord": "ab" * 16}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", "4"),
        ("level", "segment"),
        ("split", "dev"),
        ("n_files", 0),
        ("n_retries", -1),
        ("delay", -1.0),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_fetched(fetch, server, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of fetch_tfrecords .* Got"):
        fetch(**{name: value})
    assert not server.requests


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mirror": "mars"}, "mirror must be one of us, eu, asia or an address"),
        ({"mirror": "file:///etc"}, "mirror must be"),
        ({"version": "3"}, 'version "3" has level="frame"'),
        ({"version": "3", "level": "frame"}, 'version "3" has level="frame"'),
    ],
)
def test_parts_and_mirrors_that_are_none(fetch, server, options, message):
    with pytest.raises(ValueError, match=message):
        fetch(**options)
    assert not server.requests


@pytest.fixture
def vocabulary(server, monkeypatch):
    content = (sample_path() / "vocabulary.csv").read_bytes()
    server.files["/yt8m_voc.csv"] = content
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(_course, "_read_registry", lambda: {"yt8m_voc.csv": digest})
    return content


def test_vocabulary(server, vocabulary, tmp_path):
    options = {"data_home": tmp_path, "base_url": server.url + "/", "delay": 0.0}
    with pytest.raises(OSError, match="1 of 1 files are missing"):
        fetch_vocabulary(**options, download_if_missing=False)
    server.faults["/yt8m_voc.csv"] = ["corrupt", 500]
    with pytest.warns(UserWarning, match="again after"):
        path = fetch_vocabulary(**options)
    assert path == tmp_path / "yt8m_course" / "yt8m_voc.csv"
    assert path.read_bytes() == vocabulary
    assert load_vocabulary(path).loc[46, "name"] == "Ember boats"
    assert fetch_vocabulary(data_home=tmp_path, download_if_missing=False) == path
    assert server.requests["/yt8m_voc.csv"] == 3


def test_vocabulary_with_the_wrong_checksum_is_not_kept(server, vocabulary, tmp_path):
    server.files["/yt8m_voc.csv"] = b"Index,Name\n"
    with (
        pytest.warns(UserWarning, match="again after"),
        pytest.raises(OSError, match=r"yt8m_voc\.csv \(tries: 2\): .*expected sha256"),
    ):
        fetch_vocabulary(data_home=tmp_path, base_url=server.url, delay=0.0, n_retries=1)
    assert all_files(tmp_path) == []


def test_the_command_line(server, vocabulary, contents, folder, tmp_path):
    def run(*arguments):
        result = CliRunner().invoke(main, ["fetch", *arguments, "--to", str(tmp_path)])
        return result.exit_code, result.stdout, result.stderr

    given = ["tfrecords", "--mirror", server.url, "--n-retries", "0"]
    status, out, err = run(*given, "--shard", "1/3")
    assert (status, out, err) == (0, f"{folder / IN_ORDER[1]}\n", "")
    server.faults[address(IN_ORDER[0])] = ["corrupt"]
    status, out, err = run(*given, "--n-files", "1")
    assert (status, out) == (1, "")
    assert err.startswith(
        f"Error: could not download {server.url}{address(IN_ORDER[0])} (tries: 1)"
    )
    assert err.count("\n") == 1
    assert run(*given, "--shard", "1")[0] == 2
    status, out, err = run("vocabulary", "--base-url", server.url)
    assert (status, out) == (0, f"{tmp_path / 'yt8m_course' / 'yt8m_voc.csv'}\n")
