import itertools
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lmcompare.errors import InputError
from lmcompare.text.grammar import Grammar, Rule

Rules = Mapping[str, str | Sequence[str]]
# Ambiguous on purpose: "aa" and "ab" have two derivations each, and "a" is a beginning of other sentences.
TOY: Rules = {
    "s": ["3| {x}{y}", "1| {z}", "2| a"],
    "x": "a:2 b",
    "y": ["1| {x}", "0.5| ", "1| {x}{x}"],
    "z": "ab:3 aa",
}
STARTS = {"s": 2.0, "z": 1.0}


def enumerate_language(grammar: Grammar, starts: Mapping[str, float]) -> dict[str, float]:
    """Every sentence and its probability, by writing out all derivations: no automaton, no beliefs."""

    def derive(name: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for probability, symbols in grammar.rules[name]:
            parts = [derive(s.name) if isinstance(s, Rule) else {s: 1.0} for s in symbols]
            for choice in itertools.product(*(part.items() for part in parts)):
                text = "".join(piece for piece, _ in choice)
                weight = probability * math.prod(p for _, p in choice)
                found[text] = found.get(text, 0.0) + weight
        return found

    total = sum(starts.values())
    language: dict[str, float] = {}
    for start, weight in starts.items():
        for text, probability in derive(start).items():
            language[text] = language.get(text, 0.0) + probability * weight / total
    return language


def entropy_of(language: Mapping[str, float]) -> tuple[float, float]:
    bits = -math.fsum(p * math.log2(p) for p in language.values())
    return bits, math.fsum(p * (len(text) + 1) for text, p in language.items())


def test_the_toy_is_a_distribution_over_few_sentences() -> None:
    language = enumerate_language(Grammar(TOY), STARTS)
    assert math.isclose(math.fsum(language.values()), 1.0)
    assert set(language) == {"".join(w) for n in (1, 2, 3) for w in itertools.product("ab", repeat=n)}


def test_a_sentences_probability_is_the_sum_over_its_derivations() -> None:
    grammar = Grammar(TOY)
    for text, probability in enumerate_language(grammar, STARTS).items():
        logprobs = grammar.logprobs(text, STARTS)
        assert len(logprobs) == len(text) + 1
        assert math.isclose(math.fsum(logprobs), math.log(probability), rel_tol=1e-9)


def test_each_character_is_conditioned_on_what_stands_before_it() -> None:
    grammar = Grammar(TOY)
    language = enumerate_language(grammar, STARTS)
    for text in language:
        for place, found in enumerate(grammar.logprobs(text, STARTS)):
            before = math.fsum(p for other, p in language.items() if other.startswith(text[:place]))
            after = (
                math.fsum(p for other, p in language.items() if other.startswith(text[: place + 1]))
                if place < len(text)
                else language[text]
            )
            assert math.isclose(found, math.log(after / before), rel_tol=1e-9, abs_tol=1e-9)


def test_what_the_grammar_cannot_say_is_impossible_from_there_on() -> None:
    logprobs = Grammar(TOY).logprobs("acb", STARTS)
    assert math.isfinite(logprobs[0]) and logprobs[1:] == [-math.inf] * 3
    assert Grammar(TOY).logprobs("aaaa", STARTS)[-2:] == [-math.inf] * 2
    assert Grammar({"s": "ab"}).logprobs("a", {"s": 1.0})[-1] == -math.inf


def test_entropy_is_that_of_the_enumerated_language() -> None:
    grammar = Grammar(TOY)
    bits, tokens = entropy_of(enumerate_language(grammar, STARTS))
    found = grammar.entropy(STARTS)
    assert math.isclose(found.bits_per_sentence, bits, rel_tol=1e-9)
    assert math.isclose(found.tokens_per_sentence, tokens, rel_tol=1e-9)
    assert math.isclose(found.bits_per_token, bits / tokens, rel_tol=1e-9)


def test_known_entropies() -> None:
    assert Grammar({"s": "a b c d"}).entropy({"s": 1.0}).bits_per_sentence == pytest.approx(2.0)
    assert Grammar({"s": "a"}).entropy({"s": 1.0}).bits_per_sentence == 0.0
    biased = Grammar({"s": "a:3 b:1"}).entropy({"s": 1.0})
    assert biased.bits_per_sentence == pytest.approx(-0.75 * math.log2(0.75) - 0.25 * math.log2(0.25))
    assert biased.tokens_per_sentence == pytest.approx(2.0)


ALTERNATIVE = st.lists(st.sampled_from(["a", "b", "{r1}", "{r2}"]), max_size=3).map("".join)


@given(
    st.lists(ALTERNATIVE, min_size=1, max_size=3),
    st.lists(st.text("ab", max_size=2), min_size=1, max_size=3),
    st.lists(st.text("ab", max_size=2), min_size=1, max_size=2),
    st.lists(st.integers(1, 9), min_size=8, max_size=8),
)
@settings(deadline=None, max_examples=60)
def test_any_small_grammar_agrees_with_enumeration(
    top: list[str], first: list[str], second: list[str], weights: list[int]
) -> None:
    source = iter(weights)
    rules = {
        name: [f"{next(source)}| {text}" for text in texts]
        for name, texts in {"r0": top, "r1": first, "r2": second}.items()
    }
    grammar = Grammar(rules)
    language = enumerate_language(grammar, {"r0": 1.0})
    assume(len(language) < 2_000)
    bits, tokens = entropy_of(language)
    found = grammar.entropy({"r0": 1.0})
    assert math.isclose(found.bits_per_sentence, bits, rel_tol=1e-7, abs_tol=1e-7)
    assert math.isclose(found.tokens_per_sentence, tokens, rel_tol=1e-7)
    for text, probability in list(language.items())[:50]:
        total = math.fsum(grammar.logprobs(text, {"r0": 1.0}))
        assert math.isclose(total, math.log(probability), rel_tol=1e-7, abs_tol=1e-7)


def test_samples_follow_the_distribution() -> None:
    grammar = Grammar(TOY)
    source = random.Random(1)
    number = 20_000
    counts = Counter(grammar.sample("s", source) for _ in range(number))
    language = enumerate_language(grammar, {"s": 1.0})
    assert set(counts) <= set(language)
    chi_squared = sum((counts[t] - number * p) ** 2 / (number * p) for t, p in language.items())
    assert chi_squared < 36.1  # the 0.1 % point of chi squared with 13 degrees of freedom is 34.5
    assert len(language) == 14


def test_the_same_seed_gives_the_same_sentences() -> None:
    first, second = (
        [Grammar(TOY).sample("s", source) for _ in range(5)]
        for source in (random.Random(3), random.Random(3))
    )
    assert first == second


def test_a_sentence_may_be_longer_than_pythons_stack_is_deep() -> None:
    grammar = Grammar({"s": ["x" * 2_000 + "{end}"], "end": "a b"})
    entropy = grammar.entropy({"s": 1.0})
    assert entropy.bits_per_sentence == pytest.approx(1.0)
    assert entropy.tokens_per_sentence == pytest.approx(2_002.0)


def test_both_ways_to_write_a_rule_mean_the_same() -> None:
    assert Grammar({"s": "a:2 b"}).rules == Grammar({"s": ["2| a", "b"]}).rules
    assert Grammar({"s": "12:30:4"}).rules == Grammar({"s": ["12:30"]}).rules
    assert Grammar({"s": ["0.5| two words "]}).rules["s"] == [(1.0, tuple("two words "))]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"s": "{t}"}, "grammar.rules.s: there is no rule 't'"),
        ({"s": "a{s}"}, "rule leads back to itself: s -> s"),
        ({"s": "a{t}", "t": "{u}", "u": "b {s}"}, "s -> t -> u -> s"),
        ({"s": ""}, "needs alternatives"),
        ({"s": []}, "needs alternatives"),
        ({"s": "a:0"}, "weights above 0"),
        ({"s": "a:-1"}, "weights above 0"),
        ({"s": "a:inf"}, "weights above 0"),
        ({"s": "a:nan"}, "weights above 0"),
        ({"s": ["0| a"]}, "weights above 0"),
        ({"s": "a:many"}, "'many' is not a weight"),
        ({"s": ":3"}, "a weight and no text"),
        ({"s": "a{b"}, "unpaired brace"),
        ({"s": "a}b"}, "unpaired brace"),
        ({"s": ["a\nb"]}, "line end"),
        ({"s": ["{a{b}}"], "b": "x"}, "unpaired brace"),
    ],
)
def test_a_faulty_rule_is_named(rules: Rules, said: str) -> None:
    with pytest.raises(InputError) as caught:
        Grammar(rules)
    assert said in str(caught.value)


def test_rules_in_a_chain_of_thousands_are_one_sentence_and_no_crash() -> None:
    rules = {f"r{n}": f"{{r{n + 1}}}" for n in range(5_000)} | {"r5000": "a"}
    with pytest.raises(InputError, match="nested too deeply"):
        Grammar(rules)


@pytest.mark.parametrize("starts", [{}, {"t": 1.0}, {"s": 0.0}, {"s": -1.0}])
def test_faulty_starts_are_refused(starts: dict[str, float]) -> None:
    with pytest.raises(InputError, match="not rules to start from"):
        Grammar({"s": "a"}).entropy(starts)
