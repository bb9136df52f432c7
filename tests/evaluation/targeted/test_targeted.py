"""Minimal pairs and last words, judged as by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table
from scipy.stats import binomtest

from lmcompare.errors import InputError
from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.targeted.cloze import CLOZE, split_last
from lmcompare.evaluation.targeted.pairs import MINIMAL_PAIRS, judge, share_of, wilson
from lmcompare.evaluation.targeted.reading import Pair
from lmcompare.text.tokenizers import TokenizerOptions
from lmcompare.text.tokenizers.bpe import BpeTokenizer
from lmcompare.text.tokenizers.byte import ByteTokenizer
from lmcompare.text.tokenizers.word import WordTokenizer

PAIRS = [("a b c", "b a c"), ("c c", "a"), ("a d", "a e"), ("b", "d d d d"), ("a b", "a c b")]


@pytest.mark.parametrize(("share", "number"), [(0.0, 10), (0.5, 100), (0.93, 300), (1.0, 7)])
def test_the_interval_is_wilsons(share, number):
    wanted = binomtest(round(share * number), number).proportion_ci(method="wilson")
    assert wilson(round(share * number) / number, number) == pytest.approx(
        (wanted.low, wanted.high), abs=1e-9
    )


def test_pairs_are_judged_by_the_probability_of_the_whole_sentence(make_model):
    model = make_model()
    found = judge(model, [Pair(good, bad, "x", "x") for good, bad in PAIRS])

    def total(text):
        document = model.tokenizer.encode_document([text])
        return math.fsum(model.score([document])[0]), len(document)

    for (good, bad), (points, mean, tie, unknown) in zip(PAIRS, found, strict=True):
        (one, long), (other, short) = total(good), total(bad)
        if {good, bad} == {"a d", "a e"}:  # both letters are unknown: the same tokens
            assert (points, mean, tie, unknown) == (0.5, 0.5, True, True)
            continue
        assert points == (one > other)
        assert mean == (one / long > other / short)
        assert not tie
        assert unknown == ("d" in bad)


def test_a_sign_in_a_sentence_is_an_unknown_token():
    tokenizer = WordTokenizer(["a", "b", "<unk>"])
    model = Markov(tokenizer, markov_table(tokenizer.size, 1))
    found = judge(model, [Pair("a b", "a <unk>", "x", "x"), Pair("a b", "b a", "x", "x")])
    assert [unknown for *_, unknown in found] == [True, False]


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def contender(corpus, text, options, seeds):
    material = prepare(corpus, options)
    found = [
        evaluate(
            Markov(text.tokenizer, markov_table(text.tokenizer.size, seed)),
            text,
            options,
            material,
            name="m",
            seed=seed,
        )
        for seed in seeds
    ]
    cells, scores = [list(column) for column in zip(*found, strict=True)]
    return Contender(merge(cells, scores, text, options), scores, text, cells)


def test_accuracy_is_told_by_phenomenon_and_over_all_seeds(make_corpus, encoded, tmp_path):
    records = [
        {"sentence_good": good, "sentence_bad": bad, "phenomenon": "xy"[i % 2], "paradigm": str(i)}
        for i, (good, bad) in enumerate(PAIRS)
    ]
    path = write(tmp_path / "p.jsonl", records)
    options = EvaluationOptions(
        resamples=100,
        generation={"prompts": 0},
        windows={"enabled": False},
        minimal_pairs={"files": [path], "each": 0},
    )
    corpus, tokenizer = make_corpus(30), WordTokenizer(["a", "b", "c"])
    text = encoded(corpus, tokenizer)
    rows = MINIMAL_PAIRS.gather([contender(corpus, text, options, [1, 2])], options).rows
    assert [(row.phenomenon, row.pairs) for row in rows] == [("", 5), ("x", 3), ("y", 2)]
    whole, x, y = rows
    assert whole.accuracy * 5 == pytest.approx(3 * x.accuracy + 2 * y.accuracy)
    judged = [
        judge(Markov(tokenizer, markov_table(6, seed)), [Pair(*pair, "x", "x") for pair in PAIRS])
        for seed in (1, 2)
    ]
    assert whole.accuracy == pytest.approx(np.mean([[one[0] for one in seed] for seed in judged]))
    assert whole.ties == pytest.approx(1 / 5)
    known = [[one for one in seed if not one[3]] for seed in judged]
    assert whole.known_pairs == len(known[0]) == 3
    assert whole.accuracy_known == pytest.approx(np.mean([[one[0] for one in seed] for seed in known]))
    per_token = np.mean([[one[1] for one in seed] for seed in judged])
    assert whole.accuracy_per_token == pytest.approx(per_token)
    for share, (low, high) in (
        (whole.accuracy, whole.ci95),
        (whole.accuracy_per_token, whole.ci95_per_token),
        (whole.accuracy_known, whole.ci95_known),
    ):
        assert 0 <= low <= share <= high <= 1 and low < high


def many_paradigms(random, number, spread):
    """A hundred pairs of each paradigm, with chances of their own around one half."""
    chances = np.clip(0.5 + spread * random.normal(size=number), 0, 1)
    return random.binomial(100, chances).astype(float), np.full(number, 100.0)


@pytest.mark.parametrize(("spread", "least", "most"), [(0.2, 0.92, 0.98), (0.05, 0.94, 1.0)])
def test_an_interval_over_paradigms_covers_the_chance_that_they_vary_around(spread, least, most):
    random, options, held = np.random.default_rng(0), EvaluationOptions(resamples=400), []
    for _ in range(400):
        share, (low, high) = share_of(*many_paradigms(random, 60, spread), options)
        held.append(low <= 0.5 <= high)
        assert low < share < high
    assert least <= np.mean(held) <= most


def test_paradigms_that_differ_make_an_interval_wider_than_independent_pairs_do():
    right, pairs = many_paradigms(np.random.default_rng(3), 60, 0.25)
    low, high = share_of(right, pairs, EvaluationOptions())[1]
    narrow = wilson(right.sum() / pairs.sum(), int(pairs.sum()))
    assert high - low > 3 * (narrow[1] - narrow[0])


def test_of_one_paradigm_the_interval_is_wilsons_and_empty_paradigms_do_not_count():
    right, pairs = np.array([30.0, 0.0]), np.array([40.0, 0.0])
    assert share_of(right, pairs, EvaluationOptions()) == (0.75, wilson(0.75, 40))


def test_a_faulty_file_is_told_before_anything_is_trained(tmp_path, make_corpus):
    path = write(tmp_path / "p.jsonl", [{"sentence_good": "a"}])
    options = EvaluationOptions(minimal_pairs={"files": [path]}, cloze={"files": [path]})
    for analysis in (MINIMAL_PAIRS, CLOZE):
        with pytest.raises(InputError, match="the line holds no"):
            analysis.check(options, make_corpus(5))


def test_a_text_is_cut_where_its_last_word_begins(word_tokenizer, make_corpus, encoded):
    model = Markov(word_tokenizer, markov_table(6, 0))
    before, word = split_last(model, "a b c")
    assert (before.tolist(), word.tolist()) == ([3, 4], [5])
    model.tokenizer = ByteTokenizer()
    before, word = split_last(model, "ab 词")
    assert bytes(model.tokenizer.decode(before), "utf-8") == b"ab "
    assert model.tokenizer.decode(word) == "词"
    model.tokenizer = BpeTokenizer.train(
        TokenizerOptions(kind="bpe", size=280), ["low lower lowest low low lower"] * 20
    )
    before, word = split_last(model, "low lower lowest")
    assert model.tokenizer.decode(np.concatenate([before, word])) == "low lower lowest"
    assert model.tokenizer.decode(word).strip() == "lowest"


def test_a_last_word_is_right_when_it_is_the_most_probable_one(make_corpus, encoded, tmp_path):
    corpus, tokenizer = make_corpus(30), WordTokenizer(["a", "b", "c"])
    texts = ["a b", "b c", "c a", "c b", "a d", "b a c"]
    path = write(tmp_path / "c.jsonl", [{"text": text} for text in texts])
    options = EvaluationOptions(
        resamples=100, generation={"prompts": 0}, windows={"enabled": False}, cloze={"files": [path]}
    )
    text = encoded(corpus, tokenizer)
    (row,) = CLOZE.gather([contender(corpus, text, options, [4])], options).rows
    model = Markov(tokenizer, markov_table(6, 4))
    right = nats = 0
    for line in texts:
        ids = tokenizer.encode(line).ids
        logprobs = model.next_logprobs([ids[:-1]])[0]
        right += int(np.argmax(logprobs)) == ids[-1] and ids[-1] != tokenizer.unk
        nats -= logprobs[ids[-1]]
    assert (row.texts, row.accuracy, row.unknown) == (6, right / 6, 1 / 6)
    assert row.accuracy_first == row.accuracy
    assert row.perplexity == pytest.approx(math.exp(nats / 6))
    assert math.isinf(row.perplexity) and row.perplexity_ci95 == (math.inf, math.inf)  # of the unknown word
    assert row.ci95_first == wilson(right / 6, 6)


def test_the_perplexity_of_last_words_has_an_interval_over_texts(make_corpus, encoded, tmp_path):
    corpus, tokenizer = make_corpus(30), WordTokenizer(["a", "b", "c"])
    texts = [f"{first} {second} {third}" for first in "abc" for second in "abc" for third in "abc"]
    path = write(tmp_path / "c.jsonl", [{"text": text} for text in texts])
    options = EvaluationOptions(
        resamples=2000, generation={"prompts": 0}, windows={"enabled": False}, cloze={"files": [path]}
    )
    text = encoded(corpus, tokenizer)
    (row,) = CLOZE.gather([contender(corpus, text, options, [4])], options).rows
    model = Markov(tokenizer, markov_table(6, 4))
    ids = [tokenizer.encode(line).ids for line in texts]
    nats = np.array([-model.next_logprobs([one[:-1]])[0][one[-1]] for one in ids])
    assert row.perplexity == pytest.approx(math.exp(nats.mean()))
    error = nats.std() / math.sqrt(len(nats))
    wanted = np.exp(nats.mean() + np.array([-1.96, 1.96]) * error)
    assert row.perplexity_ci95 == pytest.approx(tuple(wanted), rel=0.1)
