import numpy as np
from markov_toy import Markov, markov_table

from lmcompare.evaluation.randomness import is_drawn
from lmcompare.models.mixture.linear import LinearMixture
from lmcompare.text.tokenizers.word import WordTokenizer


def of_kind(kind: str):
    tokenizer = WordTokenizer(["a", "b"])
    model = Markov(tokenizer, markov_table(tokenizer.size, 3, 0.1))
    model.kind = kind
    return model


def test_counting_draws_nothing_and_networks_do() -> None:
    assert not is_drawn(of_kind("ngram")) and is_drawn(of_kind("lstm"))


def test_a_mixture_is_drawn_where_a_member_is() -> None:
    counted, drawn = of_kind("ngram"), of_kind("transformer")
    even = np.full((1, 2), 0.5)
    for members, wanted in (([counted, counted], False), ([counted, drawn], True)):
        mixture = LinearMixture(counted.tokenizer, members, ["a", "b"], even, (), None, None)
        assert is_drawn(mixture) == wanted
        cache = of_kind("cache")
        cache.over = mixture
        assert is_drawn(cache) == wanted
