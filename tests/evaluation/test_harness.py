from __future__ import annotations

import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.errors import InputError
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results import Cell, CurvePoint
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.text.tokenizers.char import CharTokenizer

# Analyses have tests of their own; those that ask models again are left out here.
OPTIONS = EvaluationOptions(
    resamples=200,
    generation={"prompts": 6, "prompt_units": 3, "length": 20, "rule": "top_k(3)", "shown": 2},
    windows={"enabled": False},
    calibration={"enabled": False},
)
MEASURED = {"score_tokens_per_second", "generate_tokens_per_second", "peak_memory_bytes"}


@pytest.fixture
def run(make_corpus, encoded):
    corpus = make_corpus()

    def run(model, options=OPTIONS, seed=1, **more):
        material = prepare(corpus, options)
        given = {"name": "m", "seed": seed} | more
        return evaluate(model, encoded(corpus, model.tokenizer), options, material, **given)

    run.corpus = corpus
    return run


def test_both_policies_are_scored_on_the_same_events(run, make_model, encoded, by_hand):
    model = make_model()
    cell, scores = run(model)
    for split in ("valid", "test"):
        documents = getattr(encoded(run.corpus, model.tokenizer), split).documents
        native = [value for document in documents for value in by_hand(model, document)]
        pieces = [
            p for document in documents for p in np.split(document, np.flatnonzero(document == 1)[:-1] + 1)
        ]
        matched = [value for piece in pieces for value in by_hand(model, piece)]
        assert scores.logprobs[split, "native"] == pytest.approx(native)
        assert scores.logprobs[split, "matched"] == pytest.approx(matched)
        for policy, values in (("native", native), ("matched", matched)):
            found = cell.splits[split][policy]
            assert found.events == len(native)
            assert found.perplexity == pytest.approx(math.exp(-np.mean(values)))
    assert cell.splits["test"]["native"] != cell.splits["test"]["matched"]


def test_a_model_that_forgets_by_itself_is_scored_once(run, make_model, monkeypatch):
    model = make_model(policy="sentence")
    calls = []
    original = type(model).score
    monkeypatch.setattr(
        type(model), "score", lambda self, texts: calls.append(len(texts)) or original(self, texts)
    )
    cell, scores = run(model)
    assert sum(number > 1 for number in calls) == 2  # valid and test; single texts are the chains
    assert scores.logprobs["test", "matched"] is scores.logprobs["test", "native"]
    assert cell.splits["test"]["native"] == cell.splits["test"]["matched"]


def test_a_cell_says_all_that_was_asked_and_survives_json(run, make_model):
    model = make_model()
    point = CurvePoint(tokens=10, seconds=1.0, valid_bits_per_token=3.0)
    cell, _ = run(model, summary="order 2", train_seconds=2.5, folder_bytes=99, curve=[point])
    assert (cell.name, cell.kind, cell.seed, cell.summary, cell.policy) == (
        "m",
        "markov",
        1,
        "order 2",
        "document",
    )
    assert (cell.cost.parameters, cell.cost.bytes, cell.cost.train_seconds) == (12, 99, 2.5)
    assert cell.cost.score_tokens_per_second > 0 and cell.cost.generate_tokens_per_second > 0
    assert cell.curve == [point]
    assert (cell.generation.samples, cell.generation.length, cell.generation.unit) == (6, 20, "words")
    assert [len(chain) > 1 for chain in cell.chains] == [True] * 2
    assert [len(each.candidates) for each in cell.predictions] == [5] * 2
    assert [len(sample.text.split()) for sample in cell.samples] == [20, 20]
    assert Cell.model_validate_json(cell.model_dump_json()) == cell


def test_a_rerun_gives_the_same_bits_but_for_what_is_measured(run, make_model):
    one, other = (run(make_model())[0].model_dump() for _ in range(2))
    for dump in (one, other):
        dump["cost"] = {key: value for key, value in dump["cost"].items() if key not in MEASURED}
        assert dump.pop("seconds")["scoring"] > 0
    assert one == other


def test_models_with_different_tokenizers_continue_the_same_prompts_by_as_many_units(run, make_model):
    letters = CharTokenizer(list("abc "))
    table = markov_table(letters.size, 3)
    words, characters = run(make_model())[0], run(Markov(letters, table))[0]
    assert [sample.prompt for sample in words.samples] == [sample.prompt for sample in characters.samples]
    assert words.generation.length == characters.generation.length == 20
    assert words.generation.samples == characters.generation.samples
    assert words.splits["test"]["native"].events < characters.splits["test"]["native"].events


def test_a_model_that_never_says_enough_has_no_generation_row(run, make_model):
    tokenizer = make_model().tokenizer
    table = np.full((tokenizer.size, tokenizer.size), 0.0)
    table[:, tokenizer.eos] = 1
    cell, _ = run(Markov(tokenizer, table))
    assert cell.generation is None
    assert cell.splits["test"]["native"].perplexity == math.inf
    assert [sample.text.strip() for sample in cell.samples] == ["", ""]
    assert Cell.model_validate_json(cell.model_dump_json()) == cell


def test_generation_can_be_left_out(run, make_model):
    cell, _ = run(make_model(), EvaluationOptions(resamples=200, generation={"prompts": 0}))
    assert (cell.generation, cell.samples) == (None, [])
    assert cell.cost.generate_tokens_per_second > 0


def test_text_of_another_tokenizer_is_refused(run, make_model, encoded):
    other = encoded(run.corpus, CharTokenizer(list("abc ")))
    with pytest.raises(InputError, match="not encoded with the tokenizer of 'm'"):
        evaluate(make_model(), other, OPTIONS, prepare(run.corpus, OPTIONS), name="m", seed=1)


def test_processor_seconds_of_one_seed_are_not_told_as_those_of_all(run, make_model, encoded):
    model = make_model()
    text = encoded(run.corpus, model.tokenizer)
    for known, wanted in (((4.0, 6.0), 5.0), ((4.0, 0.0), 0.0)):
        pairs = [run(model, seed=seed, train_processor_seconds=each) for seed, each in enumerate(known)]
        cells, scores = zip(*pairs, strict=True)
        assert merge(cells, scores, text, OPTIONS).cost.train_processor_seconds == wanted


def test_progress_names_its_stages(run, make_model):
    seen = []
    run(make_model(), progress=seen.append)
    stages = list(dict.fromkeys(each.stage for each in seen))
    assert stages == ["score valid", "score test", "generate"]


def test_one_seed_merges_into_itself(run, make_model, encoded):
    model = make_model()
    cell, scores = run(model)
    row = merge([cell], [scores], encoded(run.corpus, model.tokenizer), OPTIONS)
    assert (row.seeds, row.splits, row.cost, row.generation) == ([1], cell.splits, cell.cost, cell.generation)


def test_seeds_merge_into_the_mean_surprisal_of_an_event(run, make_model, encoded):
    models = [make_model(seed) for seed in (1, 2, 3)]
    cells, scores = zip(*(run(model, seed=seed) for seed, model in enumerate(models, 1)), strict=True)
    row = merge(cells, scores, encoded(run.corpus, models[0].tokenizer), OPTIONS)
    assert row.seeds == [1, 2, 3]
    for policy in ("native", "matched"):
        alone = [cell.splits["test"][policy].perplexity for cell in cells]
        found = row.splits["test"][policy]
        assert found.perplexity_by_seed == pytest.approx(alone)
        assert found.bits_per_token == pytest.approx(np.mean(np.log2(alone)))
        assert found.ci95[0] < found.perplexity < found.ci95[1]
    assert row.generation.distinct_1 == pytest.approx(np.mean([cell.generation.distinct_1 for cell in cells]))
    assert row.generation.unit == "words"
    assert row.cost.parameters == 12
    assert row.samples == cells[0].samples


def test_only_an_ngram_model_is_explained_by_the_last_word_of_the_first_sentence(
    run, make_model, encoded, word_tokenizer
):
    assert run(make_model())[0].explanation is None
    corpus = encoded(run.corpus, word_tokenizer)
    model = train_ngram(corpus.train.documents, word_tokenizer, NgramOptions(order=3))
    cell, _ = run(model)
    found = cell.explanation
    *_, last, end = cell.chains[0]
    assert end.token == "</s>" and found.token == last.token
    assert found.probability == pytest.approx(math.exp(last.logprob), rel=1e-6)
    assert sum(step.share for step in found.steps) == pytest.approx(found.probability, rel=1e-6)
    assert found.steps[-2].seen[1] == len(corpus.train.ids)
    merged = merge([cell], [], corpus, OPTIONS)
    assert merged.explanation == found
