from __future__ import annotations

import pytest

from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.textunits import units
from lmcompare.text.corpus import Corpus, Document


def options(show=None, **generation):
    return EvaluationOptions(generation={"length": 8, "prompt_units": 3} | generation, show=show or {})


def corpus(documents, words=True):
    test = [Document(str(i), tuple(lines)) for i, lines in enumerate(documents)]
    return Corpus("x", "X", "en", words, "none", {"train": test, "valid": test, "test": test})


LONG = [[f"w{i}.{j} x y z ." for j in range(10)] for i in range(12)]
CHINESE = [["今天天气很好，我们去公园吧。", "她在超市买了三斤苹果和两本书。", "", "我喜欢上学。"] * 4] * 6


@pytest.mark.parametrize(("documents", "words"), [(LONG, True), (CHINESE, False)])
def test_prompt_and_continuation_are_the_text_itself(documents, words):
    text = corpus(documents, words)
    found = prepare(text, options(prompts=10))
    assert len(found.human) == 10
    whole = ["\n".join(document.sentences) + "\n" for document in text.splits["test"]]
    for each in found.human:
        assert any(each.prompt + each.text in document for document in whole)
        assert len(units(each.prompt, found.unit)) == 3
        assert len(units(each.measured, found.unit)) == 8
        assert each.measured == each.text
    assert found.human_generation().samples == 10
    assert found.human_generation().seen_4 == 1  # the toy's test text is its training text
    assert [sample.text for sample in found.human_samples(2)] == [each.text for each in found.human[:2]]


def test_prompts_are_spread_over_the_whole_test_text():
    found = prepare(corpus(LONG), options(prompts=12))
    assert sorted(each.prompt.split(".")[0] for each in found.human) == sorted(f"w{i}" for i in range(12))


def test_short_documents_are_read_on_over_their_ends():
    found = prepare(corpus([[f"w{i} x y ."] for i in range(40)]), options(prompts=20))
    assert len(found.human) == 20
    assert "\n" in found.human[0].text


def test_too_little_text_gives_fewer_prompts_and_in_the_end_none():
    few = prepare(corpus([["a b c d e f", "a b c d e f", "a b c"]]), options(prompts=20))
    assert len(few.human) == 1
    none = prepare(corpus([["a b c"]]), options(prompts=20))
    assert (none.human, none.index, none.human_generation()) == ([], None, None)
    assert prepare(corpus(LONG), options(prompts=0)).index is None


def test_sentences_shown_are_whole_and_of_moderate_length():
    text = corpus(
        [["= Heading =", "", "one two three four five six .", "a <unk> b c d e f .", "short .", "w " * 30]]
    )
    found = prepare(text, options())
    assert found.sentences == ["one two three four five six ."]
    assert found.contexts == ["one two three"]


def test_chinese_sentences_are_chosen_by_characters():
    found = prepare(corpus(CHINESE, words=False), options())
    assert found.sentences == ["今天天气很好，我们去公园吧。", "她在超市买了三斤苹果和两本书。"]
    assert found.contexts[0] == "今天天气很好，"


def test_any_line_will_do_where_no_sentence_fits():
    assert prepare(corpus([["", "a b", "c"]]), options()).sentences == ["a b", "c"]


def test_what_the_user_names_is_shown():
    found = prepare(corpus(LONG), options(show={"sentences": ["x y"], "contexts": ["今天"]}))
    assert (found.sentences, found.contexts) == (["x y"], ["今天"])
