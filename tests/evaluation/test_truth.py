from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.truth import TRUTH, divergences
from lmcompare.models.source import SourceModel
from lmcompare.text.corpus import Corpus, Document
from lmcompare.text.synthetic.options import process_of
from lmcompare.text.synthetic.process import draw
from lmcompare.text.tokenizers.byte import ByteTokenizer
from lmcompare.text.tokenizers.word import WordTokenizer

SOURCE = {
    "kind": "recall",
    "names": "A B C",
    "things": "x y",
    "sign": "?",
    "fewest": 1,
    "most": 2,
    "questions": 1,
}
SYMBOLS = ["A", "B", "C", "x", "y", "?"]
OPTIONS = EvaluationOptions(
    resamples=200, generation={"prompts": 0}, windows={"enabled": False}, length_cost={"enabled": False}
)


def corpus_of(sentences: int = 60) -> Corpus:
    process = process_of(SOURCE)
    drawn = draw(process, sentences, np.random.default_rng(2).random)
    lines = [" ".join(process.symbols[s] for s in one) for one in drawn]
    documents = [
        Document(str(n), (a, b)) for n, (a, b) in enumerate(zip(lines[::2], lines[1::2], strict=True))
    ]
    splits = {split: documents for split in ("train", "valid", "test")}
    return Corpus("toy", "Toy", "en", True, "none", splits, source=SOURCE)


@pytest.fixture
def text(encoded):
    return encoded(corpus_of(), WordTokenizer(SYMBOLS))


@pytest.fixture
def source(text):
    return SourceModel(SOURCE, text.tokenizer)


@pytest.fixture
def other(text):
    return Markov(text.tokenizer, markov_table(text.tokenizer.size, 1, unk=0.05))


def by_hand(model, source, document):
    """KL of each event, and of the recalled thing alone, from whole distributions read one by one."""
    found, recalled = [], []
    for end in range(len(document)):
        p, q = (np.exp(each.next_logprobs([document[:end]])[0]) for each in (source, model))
        found.append(sum(a * math.log2(a / b) for a, b in zip(p, q, strict=True) if a > 0))
        things = source.token_of[3:5]
        if p[things].max() == 1.0:
            recalled.append(-math.log2(q[things[np.argmax(p[things])]] / q[things].sum()))
    return found, recalled


def test_each_event_has_the_divergence_of_its_two_distributions(text, source, other):
    documents = text.test.documents
    found = divergences(other, source, documents)
    kinds = source.process.kinds
    slow = [by_hand(other, source, document) for document in documents]
    assert found.total / math.log(2) == pytest.approx(np.concatenate([kl for kl, _ in slow]), abs=1e-9)
    recalled = np.concatenate([values for _, values in slow])
    kind = kinds.index("recalled")
    assert found.within[:, kind].sum() / math.log(2) == pytest.approx(recalled.sum(), rel=1e-9)
    assert found.share[:, kind].sum() == pytest.approx(len(recalled))
    assert found.share.sum(axis=1) == pytest.approx(np.ones(len(found.choice)))
    assert min(found.choice.min(), found.within.min()) >= 0


def test_the_truth_against_itself_is_exactly_zero(text, source):
    found = divergences(source, source, text.test.documents)
    assert found.total.max() == 0 and found.impossible.max() == 0 and found.wrong.max() == 0
    assert np.array_equal(found.true, np.concatenate(source.score(text.test.documents)))


def test_what_a_model_gives_to_the_impossible_is_counted(text, source, other):
    found = divergences(other, source, text.test.documents)
    document = text.test.documents[0]
    for end in range(len(document)):
        p, q = (np.exp(each.next_logprobs([document[:end]])[0]) for each in (source, other))
        assert found.impossible[end] == pytest.approx(q[p == 0].sum(), abs=1e-9)


def measured(text, model, options=OPTIONS, name="m"):
    return evaluate(model, text, options, prepare(text.corpus, options), name=name, seed=1)


def test_the_rows_of_all_models_stand_against_the_floor(text, source, other):
    contenders = []
    for name, model in (("truth", source), ("other", other)):
        cell, scores = measured(text, model, name=name)
        contenders.append(Contender(merge([cell], [scores], text, OPTIONS), [scores], text, [cell]))
    found = TRUTH.gather(contenders, OPTIONS)
    truth, far = found.rows
    assert (truth.bits, truth.ci95, truth.drawn) == (0.0, (0.0, 0.0), 0.0)
    assert 0 < far.ci95[0] < far.bits < far.ci95[1]
    true = -source_scores(source, text).mean() / math.log(2)
    assert truth.true_bits == far.true_bits == pytest.approx(true, rel=1e-12)
    assert far.bits == pytest.approx(far.choice + sum(kind.share * kind.bits for kind in far.kinds), rel=1e-9)
    events = len(text.test.ids)
    assert far.bits_per_character == pytest.approx(far.bits * events / text.test.sentence_characters.sum())
    column = contenders[1].scores[0].columns["test", "truth"]
    assert far.bits == pytest.approx(column.mean(), rel=1e-9)
    low, high = far.character_ci95
    ratio = far.bits_per_character / far.bits
    assert (low, high) == pytest.approx((far.ci95[0] * ratio, far.ci95[1] * ratio))
    assert far.impossible_ci95[0] < far.impossible < far.impossible_ci95[1]
    assert truth.impossible_ci95 == (0.0, 0.0)
    # The same expectation without whole distributions: the log ratio of what was drawn.
    ratio = source_scores(source, text) - contenders[1].scores[0].logprobs["test", "native"]
    assert far.drawn == pytest.approx(ratio.mean() / math.log(2), rel=1e-9)
    off = np.add.reduceat(ratio - ratio.mean(), text.test.starts[:-1]) / math.log(2)
    error = math.sqrt((off**2).sum()) / events
    assert far.drawn_ci95[1] - far.drawn_ci95[0] == pytest.approx(2 * 1.96 * error, rel=0.25)


def source_scores(source, text):
    return np.concatenate(source.score(text.test.documents))


def test_only_the_first_events_are_looked_at_where_that_is_asked(text, other):
    options = OPTIONS.model_copy(update={"truth": OPTIONS.truth.model_copy(update={"events": 50})})
    cell, scores = measured(text, other, options)
    assert 0 < cell.analyses.truth.events <= 50
    column = scores.columns["test", "truth"]
    assert np.isfinite(column).sum() == cell.analyses.truth.events


def test_other_tokens_are_compared_by_the_whole_text(encoded):
    corpus = corpus_of()
    text = encoded(corpus, ByteTokenizer())
    table = np.full((text.tokenizer.size, text.tokenizer.size), 1 / (text.tokenizer.size - 1))
    table[:, text.tokenizer.bos] = 0
    model = Markov(text.tokenizer, table)
    cell, scores = measured(text, model)
    found = cell.analyses.truth
    words = encoded(corpus, WordTokenizer(SYMBOLS))
    true = source_scores(SourceModel(SOURCE, words.tokenizer), words)
    wanted = (true.sum() - scores.logprobs["test", "native"].sum()) / len(true) / math.log(2)
    assert not found.exact and found.kinds == []
    assert found.bits == pytest.approx(wanted, rel=1e-9)
    assert found.ci95[0] < found.bits < found.ci95[1]


def test_a_text_of_unknown_source_and_an_analysis_that_is_off_have_no_row(encoded, other):
    tokenizer = other.tokenizer
    unknown = encoded(replace(corpus_of(), source=None), tokenizer)
    assert measured(unknown, other)[0].analyses.truth is None
    off = OPTIONS.model_copy(update={"truth": OPTIONS.truth.model_copy(update={"enabled": False})})
    assert measured(encoded(corpus_of(), tokenizer), other, off)[0].analyses.truth is None
