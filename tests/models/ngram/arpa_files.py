"""ARPA files of other tools, the kenlm package as their referee, and made-up ones."""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lmplz_files import SHARED

from lmcompare.interface import LanguageModel, Tokenizer

FOUND, DERIVED = SHARED / "data" / "arpa", SHARED / "data" / "arpa-derived"
kenlm = pytest.importorskip("kenlm", reason="the kenlm package is not installed")


def kenlm_model(path: Path) -> Any:
    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    return kenlm.Model(str(path), config)


def random_sentences(tokenizer: Tokenizer, number: int, seed: int = 0) -> list[str]:
    """Words of the model in any order, and one that it does not have."""
    rng = random.Random(seed)
    words = [tokenizer.token(index) for index in range(tokenizer.size)]
    words = [word for word in words if word not in ("<s>", "</s>", "<unk>")]
    few = rng.sample(words, min(len(words), 12))  # often enough side by side to be n-grams
    unknown = ["never-seen"] if tokenizer.unk is not None else []
    return [
        " ".join(rng.choices(few + unknown if n % 2 else words, k=rng.randint(0, 9))) for n in range(number)
    ]


def assert_scored_as_by_kenlm(
    model: LanguageModel, theirs: Any, sentences: Sequence[str], *, unknown: float | None = None
) -> None:
    """Every event's log10 probability; `unknown` replaces what KenLM gives to words it does not know."""
    for sentence in sentences:
        ours = model.score([model.tokenizer.encode_document([sentence])])[0] / math.log(10)
        expected = [
            unknown if oov and unknown is not None else p for p, _, oov in theirs.full_scores(sentence)
        ]
        np.testing.assert_allclose(ours, expected, rtol=0, atol=2e-6)


def arpa_text(*orders: Sequence[str]) -> str:
    """An ARPA file of the lines of each order."""
    header = "".join(f"ngram {n}={len(lines)}\n" for n, lines in enumerate(orders, 1))
    sections = "".join(f"\n\\{n}-grams:\n" + "\n".join(lines) + "\n" for n, lines in enumerate(orders, 1))
    return f"\\data\\\n{header}{sections}\n\\end\\\n"


SMALL = arpa_text(
    ["-1.0\t<unk>\t0", "-99\t<s>\t-0.3", "-0.9\t</s>", "-0.5\ta\t-0.2", "-0.7\tb\t-0.1"],
    ["-0.2\t<s> a\t-0.4", "-0.6\ta b\t-0.25", "-0.8\tb </s>"],
    ["-0.1\t<s> a b", "-0.3\ta b </s>"],
)
