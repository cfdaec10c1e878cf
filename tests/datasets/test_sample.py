"""The embedded sample: its shapes, and that the script makes it."""

import gzip

from sk_yt8m.datasets import load_sample, sample_path


def test_shapes():
    X, Y = load_sample(return_X_y=True)
    assert X.shape == (1500, 1152)
    assert Y.shape == (1500, 3862)
    assert Y.sum(axis=1).min() >= 1
    assert load_sample(split="train", return_indicator="sparse").target.shape[0] == 1200


def test_it_is_what_the_script_makes(tmp_path):
    import runpy
    import sys
    from pathlib import Path
    from unittest import mock

    script = Path(__file__).resolve().parents[2] / "examples" / "make_sample.py"
    with mock.patch.object(sys, "argv", ["make_sample.py", str(tmp_path)]):
        runpy.run_path(str(script), run_name="__main__")
    made = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    assert set(made) == {f.name for f in sample_path().iterdir()} - {"README.md"}
    for name, content in made.items():
        unpack = gzip.decompress if name.endswith(".gz") else bytes
        assert unpack(content) == unpack((sample_path() / name).read_bytes())
