from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.files import shipped
from lmcompare.text.corpus import SPLITS
from lmcompare.text.sources import open_corpus
from lmcompare.text.synthetic.drawing import read_source, synthetic_corpus
from lmcompare.text.synthetic.options import process_of
from lmcompare.text.synthetic.process import surprisals

SOURCE = """
seed = 7
sentences = { train = 300, valid = 40, test = 41 }
document = [2, 4]
[language]
kind = "copying"
words = "a b c"
sign = "!"
"""
NAMES = ("markov", "hidden", "agreement", "brackets", "copying", "recall")


def write(folder: Path, text: str) -> Path:
    (folder / "source.toml").write_text(text, encoding="utf-8")
    return folder / "source.toml"


def test_the_splits_have_the_sizes_that_are_asked_for_and_no_split_moves_another(tmp_path):
    splits, facts, source = synthetic_corpus(write(tmp_path, SOURCE), words=True)
    assert [sum(len(d.sentences) for d in splits[s]) for s in SPLITS] == [300, 40, 41]
    assert {len(d.sentences) for d in splits["train"]} == {2, 3, 4}
    longer, _, _ = synthetic_corpus(write(tmp_path, SOURCE.replace("300", "200")), words=True)
    assert longer["test"] == splits["test"]
    other, _, _ = synthetic_corpus(write(tmp_path, SOURCE.replace("seed = 7", "seed = 8")), words=True)
    assert other["test"] != splits["test"]
    assert process_of(source).entropy() is not None and facts["tokens"] == "word"


def test_what_the_truth_needs_for_a_split_is_a_fact(tmp_path):
    splits, facts, source = synthetic_corpus(write(tmp_path, SOURCE), words=True)
    process = process_of(source)
    lines = [line.split() for document in splits["test"] for line in document.sentences]
    bits = surprisals(process, [np.array([process.symbols.index(w) for w in line]) for line in lines])
    assert facts["true_bits_per_token_test"] == pytest.approx(np.concatenate(bits).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 7", "", "seed: Field required"),
        ("train = 300", "train = 0", "sentences.train"),
        ("[2, 4]", "[4, 2]", "the fewest sentences are more than the most"),
        ('sign = "!"', 'sign = "a"', "all different"),
        ('kind = "copying"', 'kind = "copy"', "language"),
        ("[language]", "[language", "not a source"),
    ],
)
def test_a_faulty_source_is_named_with_its_file(old, new, said, tmp_path):
    path = write(tmp_path, SOURCE.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_source(path)
    assert said in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize("name", [f"{name}-{lang}" for name in NAMES for lang in ("en", "zh")])
def test_a_shipped_language_needs_for_its_text_what_its_entropy_says(name):
    corpus = open_corpus(name)
    assert corpus.source is not None
    facts = {key: value for key, value in corpus.facts.items() if isinstance(value, float)}
    assert facts["true_bits_per_token_test"] == pytest.approx(facts["entropy_bits_per_token"], abs=0.06)
    text = "".join(corpus.sentences("train"))
    if name.endswith("zh"):
        brackets = set("《》「」（）【】")
        assert all("一" <= character <= "鿿" or character in brackets for character in set(text))
    else:
        assert text.replace(" ", "").isascii()


def test_the_mixed_languages_are_those_that_stand_alone():
    for lang in ("en", "zh"):
        mixed, _ = read_source(shipped("corpora") / f"synthetic-{lang}" / "source.toml")
        for name in NAMES:
            alone, _ = read_source(shipped("corpora") / f"{name}-{lang}" / "source.toml")
            assert mixed.language.parts[name].language == alone.language
