from __future__ import annotations

import itertools

import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.generation.beam import beam_search
from lmcompare.generation.exact import exact_search
from lmcompare.generation.loop import generate
from lmcompare.generation.rules import greedy
from lmcompare.generation.search import Hypothesis, best_sample, continuation_text
from lmcompare.models.ngram.options import NgramOptions
from lmcompare.registry import Training, models

EOS = 1
PROMPTS = [[], [3], [4, 5], [3, EOS, 5]]


def every_continuation(model, prompt, max_tokens):
    """log p of every complete continuation, by scoring each of them whole."""
    letters = [i for i in range(model.tokenizer.size) if i not in (model.tokenizer.bos, EOS)]
    found = {}
    for length in range(max_tokens):
        for middle in itertools.product(letters, repeat=length):
            ids = np.array([*prompt, *middle, EOS])
            found[*middle, EOS] = float(model.score([ids])[0][len(prompt) :].sum())
    return found


@pytest.fixture(scope="module")
def trigram(tmp_path_factory):
    """A real model: what it says after two tokens depends on both."""
    from lmcompare.text.tokenizers.word import WordTokenizer

    tokenizer = WordTokenizer(["a", "b", "c"])
    random = np.random.default_rng(3)
    lines = [" ".join(random.choice(["a", "b", "c"], size=random.integers(1, 6))) for _ in range(80)]
    return models.get("ngram").train(
        Training(
            options=NgramOptions(order=3),
            tokenizer=tokenizer,
            train=[tokenizer.encode_document(lines)],
            valid=[tokenizer.encode_document(lines[:5])],
            seed=1,
            folder=tmp_path_factory.mktemp("work"),
        )
    )


@pytest.fixture(params=["chain", "trigram"])
def model(request, chain_model, trigram):
    return chain_model if request.param == "chain" else trigram


@pytest.mark.parametrize("prompt", PROMPTS, ids=str)
@pytest.mark.parametrize("max_tokens", [1, 2, 5])
def test_exact_search_finds_the_best_of_all_enumerated(model, prompt, max_tokens):
    every = every_continuation(model, prompt, max_tokens)
    found = exact_search(model, np.array(prompt, dtype=int), max_tokens=max_tokens)
    assert found.proven and found.best is not None and found.best.complete
    assert found.best.logprob == pytest.approx(max(every.values()), abs=1e-9)
    assert every[tuple(found.best.ids.tolist())] == pytest.approx(found.best.logprob, abs=1e-9)


@pytest.mark.parametrize("prompt", PROMPTS, ids=str)
def test_a_beam_as_wide_as_everything_finds_everything_in_order(model, prompt):
    every = every_continuation(model, prompt, 4)
    possible = sorted((value for value in every.values() if value > -np.inf), reverse=True)
    # The search stops when the best is settled: what it met by then is right, and its first is the best.
    found = beam_search(model, np.array(prompt, dtype=int), 2000, max_tokens=4)
    assert found[0].logprob == pytest.approx(possible[0], abs=1e-9)
    for each in found:
        assert every[tuple(each.ids.tolist())] == pytest.approx(each.logprob, abs=1e-9)
    assert [each.logprob for each in found] == sorted((each.logprob for each in found), reverse=True)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_a_wide_beam_with_length_normalisation_finds_the_best_of_all(model, alpha):
    every = every_continuation(model, [3], 5)
    wanted = max(value / len(ids) ** alpha for ids, value in every.items())
    found = beam_search(model, np.array([3]), 2000, max_tokens=5, length_normalisation=alpha)
    assert found[0].score(alpha) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("prompt", PROMPTS, ids=str)
def test_a_beam_of_one_is_greedy_decoding(model, prompt):
    (wanted,) = generate(model, [np.array(prompt, dtype=int)], greedy(), max_tokens=6, stop_at_eos=True)
    found = beam_search(model, np.array(prompt, dtype=int), 1, max_tokens=6)[0]
    assert found.ids.tolist() == wanted.ids.tolist()
    assert found.logprob == pytest.approx(float(wanted.logprobs.sum()), abs=1e-9)
    assert found.complete == (wanted.stop == "eos")


def test_a_beam_can_miss_what_exact_search_finds(tokenizer, chain_model):
    """p(a) = 0.6 leads to four equal ends of 0.15; p(b) = 0.4 leads to one end of 0.4."""
    table = np.full((6, 6), -np.inf)
    table[0, [3, 4]] = np.log([0.6, 0.4])
    table[3, [3, 4, 5, EOS]] = np.log(0.25)
    table[4, EOS] = table[5, EOS] = 0.0
    model = type(chain_model)(tokenizer, table)
    nothing = np.zeros(0, dtype=int)
    (narrow, *_), best = (
        beam_search(model, nothing, 1, max_tokens=8),
        exact_search(model, nothing, max_tokens=8),
    )
    assert best.best.ids.tolist() == [4, EOS] and best.best.logprob == pytest.approx(np.log(0.4))
    assert narrow.logprob < best.best.logprob
    assert beam_search(model, nothing, 2, max_tokens=8)[0].ids.tolist() == [4, EOS]


def test_a_bound_saves_reading_and_changes_nothing(model):
    prompt = np.array([3])
    free = exact_search(model, prompt, max_tokens=8)
    bound = beam_search(model, prompt, 4, max_tokens=8)[0]
    tight = exact_search(model, prompt, max_tokens=8, bound=bound)
    assert tight.best.logprob == pytest.approx(free.best.logprob, abs=1e-9)
    assert tight.nodes <= free.nodes
    incomplete = Hypothesis(np.array([3]), 0.0, complete=False)
    assert exact_search(model, prompt, max_tokens=8, bound=incomplete).best.logprob == free.best.logprob


def test_a_node_limit_that_is_hit_is_told(tokenizer, chain_model):
    table = np.full((6, 6), -np.inf)
    table[:, 3:] = np.log(0.33)
    table[:, EOS] = np.log(0.01)
    model = type(chain_model)(tokenizer, table)
    found = exact_search(model, np.zeros(0, dtype=int), max_tokens=6, node_limit=3)
    assert not found.proven and found.nodes <= 3
    whole = exact_search(model, np.zeros(0, dtype=int), max_tokens=6)
    assert whole.proven and whole.best.ids.tolist() == [EOS] and whole.nodes > 3


def test_it_is_told_when_a_longer_continuation_might_be_better(reciter, tokenizer):
    talker = reciter(tokenizer, [3, 4, 5, EOS])
    nothing = np.zeros(0, dtype=int)
    cut = exact_search(talker, nothing, max_tokens=3)
    assert cut.best is None and cut.longer
    whole = exact_search(talker, nothing, max_tokens=4)
    assert whole.best.ids.tolist() == [3, 4, 5, EOS] and not whole.longer
    assert whole.best.logprob == 0


def test_what_ends_nowhere_is_given_as_incomplete(reciter, tokenizer):
    found = beam_search(reciter(tokenizer, [3, 4]), np.zeros(0, dtype=int), 4, max_tokens=5)
    assert [each.ids.tolist() for each in found] == [[3, 4, 3, 4, 3]] and not found[0].complete


def test_the_best_sample_is_the_best_of_those_drawn(model):
    prompt = np.array([4])
    found = best_sample(model, prompt, 20, max_tokens=12, seed=5)
    fewer = best_sample(model, prompt, 4, max_tokens=12, seed=5)
    assert found.complete and found.logprob >= fewer.logprob
    whole = model.score([np.concatenate([prompt, found.ids])])[0][1:]
    assert found.logprob == pytest.approx(float(whole.sum()), abs=1e-6)
    assert found.logprob <= exact_search(model, prompt, max_tokens=12).best.logprob + 1e-6


def test_text_of_a_continuation_joins_the_prompt(tokenizer):
    assert continuation_text(tokenizer, np.array([3]), np.array([4, 5, EOS])) == " b c"
    assert continuation_text(tokenizer, np.zeros(0, dtype=int), np.array([4, EOS])) == "b"


@pytest.mark.parametrize(
    "call",
    [
        lambda model: beam_search(model, np.array([3]), 0, max_tokens=3),
        lambda model: beam_search(model, np.array([3]), 2, max_tokens=0),
        lambda model: beam_search(model, np.array([3]), 2, max_tokens=3, length_normalisation=-1),
        lambda model: beam_search(model, np.array([0]), 2, max_tokens=3),
        lambda model: exact_search(model, np.array([99]), max_tokens=3),
        lambda model: exact_search(model, np.array([3]), max_tokens=3, node_limit=0),
        lambda model: best_sample(model, np.array([3]), 0, max_tokens=3),
    ],
)
def test_what_cannot_be_searched_is_refused(chain_model, call):
    with pytest.raises(InputError):
        call(chain_model)


def test_in_many_random_chains_the_optimum_is_found_and_errors_of_the_beam_are_real(tokenizer, chain_model):
    missed = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        table = random.dirichlet(np.full(6, 0.4), size=6) * (random.random((6, 6)) < 0.8)
        table[:, [0, 2]] = 0
        table[:, EOS] += 0.01
        with np.errstate(divide="ignore"):
            model = type(chain_model)(tokenizer, np.log(table / table.sum(axis=1, keepdims=True)))
        best = max(every_continuation(model, [3], 5).values())
        found = exact_search(model, np.array([3]), max_tokens=5)
        assert found.proven and found.best.logprob == pytest.approx(best, abs=1e-9)
        ends = [each for each in beam_search(model, np.array([3]), 1, max_tokens=5) if each.complete]
        assert all(each.logprob <= best + 1e-9 for each in ends)
        missed += not ends or ends[0].logprob < best - 1e-9
    assert 5 < missed < 35
