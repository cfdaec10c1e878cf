"""Files of other formats, and things that are no files, give one clear error; no code is run."""

import os
import pickle
import zipfile

import h5py
import joblib
import numpy as np
import pytest
from model_files import assert_unchanged
from safetensors.numpy import save

import sk_yt8m
from sk_yt8m.persistence import ModelFileError


class Canary:
    """Leaves a mark when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


class TestOtherFormats:
    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_a_pickle(self, stored, tmp_path, protocol):
        mark = tmp_path / "mark"
        path = stored(pickle.dumps(Canary(mark), protocol))
        with pytest.raises(ModelFileError, match="not a model file of sk_yt8m"):
            sk_yt8m.load(path)
        assert not mark.exists()
        pickle.loads(path.read_bytes()).close()
        assert mark.exists(), "the pickle would have left its mark"

    def test_hdf5(self, tmp_path):
        with h5py.File(tmp_path / "model.safetensors", "w") as file:
            file["weights/output/bias"] = np.zeros(9)
        with pytest.raises(ModelFileError, match="looks like an HDF5 file; nothing in it was run"):
            sk_yt8m.load(tmp_path / "model.safetensors")

    def test_zip(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "model.safetensors", "w") as archive:
            archive.writestr("../../config.json", '{"class_name": "Lambda"}')
        with pytest.raises(ModelFileError, match="looks like a zip archive"):
            sk_yt8m.load(tmp_path / "model.safetensors")

    def test_joblib(self, fitted, tmp_path):
        joblib.dump(fitted, tmp_path / "model.safetensors", compress=3)
        with pytest.raises(ModelFileError, match="looks like a zlib stream"):
            sk_yt8m.load(tmp_path / "model.safetensors")

    def test_safetensors_of_others(self, stored):
        with pytest.raises(ModelFileError, match="no '__metadata__'"):
            sk_yt8m.load(stored(save({"weight": np.zeros(3)[:0].astype("f4")})))


class TestPaths:
    def test_missing(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            sk_yt8m.load(tmp_path / "model.safetensors")

    def test_a_folder(self, tmp_path):
        with pytest.raises((ModelFileError, PermissionError), match=r"regular file|denied"):
            sk_yt8m.load(tmp_path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX only")
    def test_a_named_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "model.safetensors")
        with pytest.raises(ModelFileError, match="not a regular file"):
            sk_yt8m.load(tmp_path / "model.safetensors")

    @pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no /dev/zero")
    def test_a_device(self, tmp_path):
        (tmp_path / "model.safetensors").symlink_to("/dev/zero")
        with pytest.raises(ModelFileError, match="not a regular file"):
            sk_yt8m.load(tmp_path / "model.safetensors")

    def test_links_are_followed(self, stored, model_file, trained, tmp_path):
        (tmp_path / "link").symlink_to(stored(model_file))
        assert_unchanged(sk_yt8m.load(tmp_path / "link"), trained)
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        with pytest.raises(OSError, match=r"loop|links"):
            sk_yt8m.load(tmp_path / "loop")

    def test_the_error_names_the_file(self, stored):
        with pytest.raises(ModelFileError, match=r"cannot load .*model\.safetensors: not a model"):
            sk_yt8m.load(stored(b"hello"))
