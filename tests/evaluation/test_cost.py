from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from lmcompare.evaluation.cost import folder_bytes, peak_memory, timed_score


def test_a_folder_weighs_what_its_files_weigh(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "inner" / "b").write_bytes(b"123")
    assert folder_bytes(tmp_path) == 8


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_peak_memory_grows_with_what_is_used_and_never_falls():
    before = peak_memory()
    block = np.ones(before // 8 + 4_000_000)
    after = peak_memory()
    del block
    assert 1_000_000 < before < after
    assert peak_memory() > 0.95 * after  # the kernel counts pages in batches


def test_scoring_is_timed_and_not_changed(make_model):
    model = make_model()
    documents = [np.array([3, 4, 1]), np.array([5, 1])]
    scores, speed = timed_score(model, documents)
    assert all(np.array_equal(a, b) for a, b in zip(scores, model.score(documents), strict=True))
    assert speed > 0


def test_what_is_done_once_is_no_part_of_the_speed(make_model):
    model, asked = make_model(), []
    score = model.score

    def slow_at_first(documents):
        time.sleep(0.0 if asked else 0.5)
        asked.append(sum(map(len, documents)))
        return score(documents)

    model.score = slow_at_first
    _, speed = timed_score(model, [np.array([3, 4, 1]), np.array([5, 1])])
    assert asked == [1, 5] and speed > 5 / 0.4
