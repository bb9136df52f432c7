from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from markov_toy import Markov, markov_table
from scipy.stats import binomtest

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.limits.search_errors import SEARCH, begun
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.options.limits import SearchOptions
from lmcompare.text.corpus import Corpus, Document
from lmcompare.text.tokenizers.word import WordTokenizer

EOS = 1


def options(**search):
    settings = {"enabled": True, "prompt_tokens": 1, "max_tokens": 6, "beams": [1, 3], "samples": 4, **search}
    return EvaluationOptions(
        resamples=200, generation={"prompts": 0}, windows={"enabled": False}, search=settings
    )


def corpus_of(lines):
    documents = [Document("d", tuple(lines))]
    return Corpus(
        name="toy", title="Toy", language="en", words=True, licence="none",
        splits={"train": documents, "valid": documents, "test": documents},
    )  # fmt: skip


@pytest.fixture
def misled():
    """After a: b (0.6) leads to six equal ends and more, c (0.4) ends for certain. After b: eos is likely."""
    tokenizer = WordTokenizer(["a", "b", "c"])
    table = np.zeros((6, 6))
    table[0, 3] = table[1, 3] = table[5, EOS] = table[2, EOS] = 1.0
    table[3, [4, 5]] = [0.6, 0.4]
    table[4, [4, 5, EOS]] = [0.4, 0.35, 0.25]
    return Markov(tokenizer, table)


def test_errors_are_the_proven_optima_that_a_way_misses(misled, encoded):
    settings, corpus = options(), corpus_of(["a b b c", "a c", "b c", "b b c"])
    text = encoded(corpus, misled.tokenizer)
    cell, scores = evaluate(misled, text, settings, prepare(corpus, settings), name="m", seed=1)
    found = cell.analyses.search
    assert (found.prompts, found.proven, found.longer) == (4, 4, 0)
    rows = {row.method: row for row in found.rows}
    # After a the best is c and the end (0.4); greedy takes b. After b the best is c and the end (0.35).
    assert rows["exact"].bits == pytest.approx(-(2 * math.log2(0.4) + 2 * math.log2(0.35)) / 4)
    assert rows["exact"].length == 1.0 and rows["exact"].errors is None
    assert rows["greedy"].errors == 4 and rows["beam"].errors == 0 and rows["beam"].size == 3
    human = [0.6 * 0.4 * 0.35, 0.4, 0.35, 0.4 * 0.35]
    assert rows["human"].bits == pytest.approx(-sum(map(math.log2, human)) / 4)
    assert rows["human"].length == pytest.approx((3 + 1 + 1 + 2) / 4)
    assert rows["human"].excess == pytest.approx(rows["human"].bits - rows["exact"].bits)
    assert rows["exact"].excess == 0.0
    assert all(row.excess is None or row.excess >= -1e-9 for row in found.rows)
    assert [shown.exact.strip() for shown in found.texts] == ["c", "c", "c"]
    low, high = binomtest(4, 4).proportion_ci(method="wilson")
    assert rows["greedy"].errors_ci95 == pytest.approx((low, high)) and rows["exact"].errors_ci95 is None
    for each in (rows["human"], rows["beam"]):
        assert each.excess_ci95[0] <= each.excess <= each.excess_ci95[1]
        assert each.length_ci95[0] <= each.length <= each.length_ci95[1]
    assert rows["human"].length_ci95[1] > rows["human"].length_ci95[0]
    contender = Contender(merge([cell], [scores], text, settings), [scores], text, [cell])
    assert SEARCH.gather([contender], settings).rows[0].cell == found


def test_ending_at_once_is_counted_as_empty(encoded):
    tokenizer = WordTokenizer(["a", "b", "c"])
    table = np.zeros((6, 6))
    table[:, 3:], table[:, EOS] = 0.2, 0.4
    model, settings, corpus = Markov(tokenizer, table), options(), corpus_of(["a b c", "a b", "c a"])
    cell, _ = evaluate(
        model, encoded(corpus, tokenizer), settings, prepare(corpus, settings), name="m", seed=1
    )
    rows = {row.method: row for row in cell.analyses.search.rows}
    assert rows["exact"].empty == rows["greedy"].empty == 1.0 and rows["exact"].length == 0.0
    assert rows["human"].empty == 0.0
    assert cell.analyses.search.texts[0].exact == ""


@pytest.fixture
def half_proven(encoded):
    """After a the end is near; after b it is so far that few prefixes do not suffice."""
    tokenizer = WordTokenizer(["a", "b", "c"])
    table = np.zeros((6, 6))
    table[[0, 1, 2], 3] = 1.0
    table[3, [4, EOS]] = [0.1, 0.9]
    table[4, [4, 5, EOS]] = table[5, [4, 5, EOS]] = [0.495, 0.495, 0.01]
    model, settings = Markov(tokenizer, table), options(node_limit=3)
    corpus = corpus_of(["a b", "b c b", "b c c c", "a b c"])
    cell, _ = evaluate(
        model, encoded(corpus, tokenizer), settings, prepare(corpus, settings), name="m", seed=1
    )
    return cell.analyses.search


def test_what_is_not_proven_counts_nowhere(half_proven):
    assert (half_proven.prompts, half_proven.proven) == (4, 2)
    rows = {row.method: row for row in half_proven.rows}
    assert rows["exact"].bits == pytest.approx(-math.log2(0.9)) and rows["exact"].empty == 1.0
    human = [0.1 * 0.01, 0.1 * 0.495 * 0.01]
    assert rows["human"].bits == pytest.approx(-sum(map(math.log2, human)) / 2)
    assert rows["human"].length == 1.5 and rows["human"].complete == 1.0
    assert rows["greedy"].errors == 0 and rows["greedy"].empty == 1.0


def test_one_prompt_gives_a_value_and_no_interval(misled, encoded):
    settings, corpus = options(), corpus_of(["a b b c"])
    cell, _ = evaluate(
        misled, encoded(corpus, misled.tokenizer), settings, prepare(corpus, settings), name="m", seed=1
    )
    human = next(row for row in cell.analyses.search.rows if row.method == "human")
    assert human.length == 3.0 and human.bits == pytest.approx(-math.log2(0.6 * 0.4 * 0.35))
    assert human.length_ci95 is human.bits_ci95 is human.excess_ci95 is None


def test_where_nothing_is_proven_nothing_is_said(encoded):
    tokenizer = WordTokenizer(["a", "b", "c"])
    table = markov_table(tokenizer.size, 3)
    table[:, EOS] = 0.001
    model = Markov(tokenizer, table / table.sum(axis=1, keepdims=True))
    settings, corpus = options(node_limit=1), corpus_of(["a b c", "b c"])
    cell, _ = evaluate(
        model, encoded(corpus, tokenizer), settings, prepare(corpus, settings), name="m", seed=1
    )
    found = cell.analyses.search
    assert found.proven == 0 and found.prompts == 2
    assert {row.errors for row in found.rows} == {0, None}
    for name in ("bits", "excess", "length", "empty"):
        assert {getattr(row, name) for row in found.rows} == {None}
        assert {getattr(row, f"{name}_ci95") for row in found.rows} == {None}


def test_a_seed_that_proves_nothing_takes_no_part_in_the_means(half_proven):
    nothing = {
        f"{name}{end}": None for name in ("bits", "excess", "length", "empty") for end in ("", "_ci95")
    }
    silent = [row.model_copy(update=nothing) for row in half_proven.rows]
    cells = [half_proven.model_copy(update={"rows": silent, "proven": 0}), half_proven]
    result = SimpleNamespace(name="m")
    contender = SimpleNamespace(
        result=result, cells=[SimpleNamespace(analyses=SimpleNamespace(search=cell)) for cell in cells]
    )
    found = SEARCH.gather([contender], options()).rows[0].cell
    assert found.rows == half_proven.rows and found.proven == 1


def test_prompts_are_sentences_that_go_on_and_end_in_time():
    tokenizer = WordTokenizer(["a", "b"])
    lines = ["a", "a b", "a b a b", "a b a b a b a b", ""]
    text = tokenizer.encode_document(lines)
    chosen = begun(text, lines, tokenizer.eos, SearchOptions(prompt_tokens=1, max_tokens=4))
    assert [len(sentence) - 1 for sentence in chosen] == [2, 4]
    # A prompt of nothing begins every sentence that is not empty.
    chosen = begun(text, lines, tokenizer.eos, SearchOptions(prompt_tokens=0, max_tokens=9))
    assert [len(sentence) - 1 for sentence in chosen] == [1, 2, 4, 8]


def test_headings_are_not_begun_where_there_are_sentences():
    tokenizer = WordTokenizer(["a", "b", "=", "."])
    lines = ["= = a b = =", "= a . =", "a b a b ."] * 12
    text = tokenizer.encode_document(lines)
    chosen = begun(text, lines, tokenizer.eos, SearchOptions(prompts=12))
    assert {tokenizer.decode(sentence).strip() for sentence in chosen} == {"a b a b ."}
