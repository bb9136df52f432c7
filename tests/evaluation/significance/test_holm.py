from __future__ import annotations

import numpy as np
import pytest

from lmcompare.evaluation.significance import holm


def test_holm_steps_down_and_never_falls():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_rejects_what_its_definition_rejects():
    random = np.random.default_rng(0)
    for _ in range(50):
        p = random.random(6) ** 3
        for level in (0.01, 0.05, 0.3):
            rejected = set()
            for rank, index in enumerate(np.argsort(p)):
                if p[index] > level / (len(p) - rank):
                    break
                rejected.add(int(index))
            assert rejected == {i for i, value in enumerate(holm(p)) if value <= level}
