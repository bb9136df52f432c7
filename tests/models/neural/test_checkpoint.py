import errno
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.models.neural.checkpoint import Checkpoints


def arrays(step):
    return {"weights.a": np.full(3, step, dtype=np.float32)}


ONE = {"vocabulary": "a", "text": "b", "seed": "1"}


def saved(folder, steps):
    checkpoints = Checkpoints(folder, ONE)
    for step in steps:
        checkpoints.save_best(step, arrays(step))
        checkpoints.save(step, arrays(step), {"step": step, "best_step": step})
    return checkpoints


def test_the_last_two_and_the_best_they_need_are_kept(tmp_path):
    checkpoints = saved(tmp_path, [10, 20, 30])
    checkpoints.save(40, arrays(40), {"step": 40, "best_step": 30})
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["best-30", "checkpoint-30", "checkpoint-40"]
    found, state = checkpoints.latest()
    assert state["step"] == 40 and found["weights.a"][0] == 40


@pytest.mark.parametrize("harm", ["truncate", "remove", "flip", "not json"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(tmp_path, harm, caplog):
    saved(tmp_path, [10, 20])
    target = tmp_path / "checkpoint-20"
    if harm == "truncate":
        (target / "arrays.safetensors").write_bytes((target / "arrays.safetensors").read_bytes()[:-2])
    elif harm == "remove":
        (target / "arrays.safetensors").unlink()
    elif harm == "flip":
        data = bytearray((target / "arrays.safetensors").read_bytes())
        data[-1] ^= 1
        (target / "arrays.safetensors").write_bytes(data)
    else:
        (target / "manifest.json").write_text("{")
    checkpoints = Checkpoints(tmp_path, ONE)
    with caplog.at_level(logging.WARNING):
        _, state = checkpoints.latest()
    assert state["step"] == 10
    assert checkpoints.damaged == ["checkpoint-20"] and "checkpoint-20" in caplog.text


def test_a_checkpoint_whose_best_weights_are_damaged_is_passed_over(tmp_path):
    saved(tmp_path, [10, 20])
    (tmp_path / "best-20" / "arrays.safetensors").unlink()
    assert Checkpoints(tmp_path, ONE).latest()[1]["step"] == 10


def test_nothing_there_means_from_the_start_and_left_overs_of_a_kill_are_removed(tmp_path):
    (tmp_path / ".tmp-checkpoint-5").mkdir()
    assert Checkpoints(tmp_path, ONE).latest() is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"vocabulary": "c", "text": "d"}, "a training with another vocabulary"),
        ({"text": "d"}, "a training with another text"),
        ({"seed": "2"}, "a training with another seed"),
    ],
)
def test_checkpoints_of_another_training_are_refused_with_what_differs(tmp_path, other, said):
    saved(tmp_path, [10])
    with pytest.raises(InputError, match=said):
        Checkpoints(tmp_path, ONE | other).latest()
    assert json.loads((tmp_path / "checkpoint-10" / "state.json").read_text())["identity"] == ONE


def test_a_full_disk_is_explained_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    saved(tmp_path, [10])

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device") as caught:
        Checkpoints(tmp_path, ONE).save(20, arrays(20), {"step": 20, "best_step": 10})
    assert "Free some space" in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-10", "checkpoint-10"]
