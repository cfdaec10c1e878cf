"""A checkpoint's file is read as it was written, or refused."""

import numpy as np
import pytest
from faults import kill
from small_problem import X, Y, small

from sk_yt8m._training.checkpoints import file as checkpoint_file
from sk_yt8m.persistence import ModelFileError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    clf = small(batch_size=15, checkpoint_dir=folder, checkpoint_every=2)
    kill(6, clf, X, Y, X_val=X, y_val=Y)
    return max(folder.iterdir())


def test_what_it_holds(path):
    checkpoint = checkpoint_file.read_checkpoint(path)
    assert len(checkpoint.history.losses) == len(checkpoint.history.scores) == 1
    assert checkpoint.state["optimizer/step"] == 7 + 4


def test_any_bit_of_damage_is_found(path, tmp_path):
    data = path.read_bytes()
    before = checkpoint_file.read_checkpoint(path)
    rng = np.random.default_rng(0)
    tried = [*range(40), *rng.integers(0, len(data), 400).tolist()]
    n_refused = 0
    for place in tried:
        changed = bytearray(data)
        changed[place] ^= 1 << int(rng.integers(8))
        (tmp_path / path.name).write_bytes(changed)
        try:
            after = checkpoint_file.read_checkpoint(tmp_path / path.name)
        except ModelFileError:
            n_refused += 1
            continue
        assert (after.seed, after.run) == (before.seed, before.run), place
        assert after.history.losses == before.history.losses
        for name, array in before.state.items():
            assert after.state[name].tobytes() == array.tobytes()
    assert n_refused > 0.9 * len(tried)
