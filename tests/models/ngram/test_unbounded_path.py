import numpy as np
import pytest
from tiny_texts import document, from_seed, random_contexts, word_tokenizer

from lmcompare.interface import Ids
from lmcompare.models.ngram.counts import lay_out
from lmcompare.models.ngram.path import count_of
from lmcompare.models.ngram.unbounded import UnboundedModel
from lmcompare.models.ngram.unbounded_family import UnboundedOptions, train_unbounded
from lmcompare.models.ngram.unbounded_path import unbounded_path

SENTENCES = [words for seed in (4, 8, 11, 21) for words in from_seed(seed)]
TOKENIZER = word_tokenizer(SENTENCES)
IDS = document(TOKENIZER, SENTENCES)


def trained(policy: str, order: int | None) -> UnboundedModel:
    options = UnboundedOptions(discounts="textbook", policy=policy, order=order)  # type: ignore[arg-type]
    return train_unbounded([IDS], TOKENIZER, options)


def events() -> list[tuple[Ids, int]]:
    """Contexts with the word that followed, and others that never stood together."""
    rng = np.random.default_rng(2)
    seen = [(IDS[:place], int(IDS[place])) for place in rng.integers(0, len(IDS), 25).tolist()]
    strange = random_contexts(TOKENIZER, 20, 1)
    return seen + [(context, int(rng.integers(1, TOKENIZER.size))) for context in strange]


@pytest.mark.parametrize("policy", ["sentence", "document"])
@pytest.mark.parametrize("order", [None, 1, 3])
def test_the_shares_sum_to_what_the_model_says(policy: str, order: int | None) -> None:
    model = trained(policy, order)
    for context, token in events():
        path = unbounded_path(model, context, token)
        expected = float(np.exp(model.next_logprobs([context])[0][token]))
        assert path.probability == pytest.approx(expected, rel=1e-9)
        assert sum(step.share for step in path.steps) == pytest.approx(expected, rel=1e-9)
        reached = 1.0
        for step in path.steps:
            assert step.own is not None and step.share == pytest.approx(reached * step.own, abs=1e-11)
            reached *= 1.0 if step.weight is None else step.weight
        # Every order stands in one step, from the longest down to all words alike.
        orders = [one for step in path.steps for one in range(step.order, step.order - step.orders, -1)]
        assert orders == list(range(path.steps[0].order, -1, -1))


def test_what_was_seen_is_what_a_search_of_the_text_counts() -> None:
    model, text = trained("sentence", None), lay_out([IDS], TOKENIZER.bos, TOKENIZER.eos)
    runs = 0
    for context, token in events():
        for step in unbounded_path(model, context, token).steps[:-1]:
            counted = count_of(text, step.context, token)
            assert step.seen is not None and step.counted is not None
            assert (step.seen.gram, step.seen.context) == (counted.gram, counted.context)
            assert len(step.context) == step.order - 1
            plain = TOKENIZER.bos in step.context
            own = (counted.gram, counted.context) if plain else (counted.kinds, counted.context_kinds)
            assert step.counted == own
            runs += step.orders > 1
    assert runs


def test_of_a_context_that_was_never_seen_single_words_and_all_alike_are_left() -> None:
    model = trained("sentence", None)
    assert TOKENIZER.unk is not None
    path = unbounded_path(model, np.array([TOKENIZER.unk] * 3), int(IDS[0]))
    assert [(step.order, step.context) for step in path.steps] == [(1, ()), (0, ())]


def test_an_n_gram_at_the_end_of_its_piece_is_followed_by_nothing() -> None:
    index = trained("document", None).index
    last = IDS[-1:]
    assert index.followed(last) == index.count([last])[0] - 1
    assert index.followed(IDS[:1]) == index.count([IDS[:1]])[0]
