from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lmcompare.errors import InputError
from lmcompare.generation.loop import encode_prompt, generate
from lmcompare.generation.rules import greedy, parse, temperature, top_k
from lmcompare.text.tokenizers.byte import ByteTokenizer
from lmcompare.text.tokenizers.char import CharTokenizer

AS_IT_IS = temperature(1.0)
EMPTY = np.zeros(0, dtype=np.int64)
PROMPTS = [np.array(p, dtype=np.int64) for p in ([3], [], [4, 5, 1, 3], [5, 5], [3, 4, 5, 3, 4], [1])]


def same(a, b):
    return (
        np.array_equal(a.ids, b.ids)
        and np.array_equal(a.logprobs, b.logprobs)
        and (a.text, a.stop) == (b.text, b.stop)
    )


def test_frequencies_of_drawn_tokens_are_the_model_s_probabilities(chain_model):
    written = generate(chain_model, [EMPTY] * 400, AS_IT_IS, max_tokens=50, seed=3, batch=400)
    before = np.concatenate([np.concatenate([[0], text.ids[:-1]]) for text in written])
    after = np.concatenate([text.ids for text in written])
    for last in (0, 1, 3, 4, 5):
        observed = np.bincount(after[before == last], minlength=6)
        expected = np.exp(chain_model.table[last]) * observed.sum()
        possible = expected > 0
        assert observed[~possible].sum() == 0
        assert stats.chisquare(observed[possible], expected[possible]).pvalue > 0.001


def test_a_truncating_rule_draws_from_what_it_keeps(chain_model):
    written = generate(chain_model, [EMPTY] * 300, top_k(2), max_tokens=20, seed=1)
    first = np.bincount([text.ids[0] for text in written], minlength=6)
    best = np.argsort(-chain_model.table[0])[:2]
    assert set(np.flatnonzero(first)) == set(best)
    p = np.exp(chain_model.table[0][best])
    assert stats.chisquare(first[best], p / p.sum() * 300).pvalue > 0.001


def test_logprobs_are_the_model_s_own_whatever_the_rule(chain_model):
    for text, prompt in zip(generate(chain_model, PROMPTS, top_k(2), max_tokens=9), PROMPTS, strict=True):
        whole = np.concatenate([prompt, text.ids])
        assert text.logprobs == pytest.approx(chain_model.score([whole])[0][len(prompt) :])


def test_greedy_follows_the_most_probable_token(chain_model):
    text = generate(chain_model, [EMPTY], greedy(), max_tokens=6)[0]
    last = 0
    for token in text.ids:
        assert token == np.argmax(chain_model.table[last])
        last = token


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_a_batch_equals_its_rows_one_by_one(chain_model, batch):
    together = generate(chain_model, PROMPTS, AS_IT_IS, max_tokens=12, seed=7, batch=batch, stop_at_eos=True)
    for row, prompt in enumerate(PROMPTS):
        alone = generate(
            chain_model, [prompt], AS_IT_IS, max_tokens=12, seed=7, streams=[row], stop_at_eos=True
        )
        assert same(together[row], alone[0])


def test_the_order_of_prompts_does_not_matter(chain_model):
    order = [4, 2, 0, 5, 1, 3]
    straight = generate(chain_model, PROMPTS, AS_IT_IS, max_tokens=12, seed=7, batch=2)
    mixed = generate(
        chain_model, [PROMPTS[i] for i in order], AS_IT_IS, max_tokens=12, seed=7, streams=order, batch=4
    )
    assert all(same(mixed[place], straight[row]) for place, row in enumerate(order))


def test_a_longer_text_begins_with_the_shorter_one(chain_model):
    short = generate(chain_model, PROMPTS, AS_IT_IS, max_tokens=5, seed=2)
    long = generate(chain_model, PROMPTS, AS_IT_IS, max_tokens=50, seed=2)
    assert all(np.array_equal(a.ids, b.ids[:5]) for a, b in zip(short, long, strict=True))


def test_seeds_and_rows_differ(chain_model):
    a, b = generate(chain_model, [EMPTY] * 2, AS_IT_IS, max_tokens=40, seed=1)
    c = generate(chain_model, [EMPTY], AS_IT_IS, max_tokens=40, seed=2)[0]
    assert len({tuple(text.ids) for text in (a, b, c)}) == 3


def test_it_stops_at_eos_only_when_asked(chain_model):
    on = generate(chain_model, [EMPTY] * 30, AS_IT_IS, max_tokens=30, stop_at_eos=False)
    off = generate(chain_model, [EMPTY] * 30, AS_IT_IS, max_tokens=30, stop_at_eos=True)
    assert {text.stop for text in on} == {"length"}
    assert {len(text.ids) for text in on} == {30}
    for a, b in zip(on, off, strict=True):
        if b.stop == "eos":
            assert b.ids[-1] == 1 and 1 not in b.ids[:-1]
            assert "\n" not in b.text
        assert np.array_equal(a.ids[: len(b.ids)], b.ids)
    assert {"eos"} <= {text.stop for text in off}


def test_finished_rows_are_not_stepped_on(chain_model):
    texts = generate(chain_model, [EMPTY] * 20, AS_IT_IS, max_tokens=40, stop_at_eos=True)
    assert chain_model.stepped == sum(len(text.ids) - 1 for text in texts)


def test_text_is_what_is_added_to_the_prompt(tokenizer, reciter):
    model = reciter(tokenizer, [3, 4, 1, 5])
    prompt = encode_prompt(tokenizer, "b c")
    text = generate(model, [prompt], greedy(), max_tokens=4)[0]
    assert text.text == "\nc a b"
    assert generate(model, [prompt], greedy(), max_tokens=4, stop_at_eos=True)[0].text == ""
    middle = generate(model, [encode_prompt(tokenizer, "b")], greedy(), max_tokens=1)[0]
    assert middle.text == " b"


def test_a_stop_string_is_found_over_token_ends_and_cut_behind(reciter):
    tokenizer = CharTokenizer(list("今天去超市。买了"))
    model = reciter(tokenizer, tokenizer.encode("今天去超市。买了").ids)
    text = generate(model, [EMPTY], greedy(), max_tokens=20, stop_strings=["。"])[0]
    assert (text.text, text.stop, len(text.ids)) == ("今天去超市。", "string", 6)
    text = generate(model, [EMPTY], greedy(), max_tokens=20, stop_strings=["市。买", "了今"])[0]
    assert text.text == "今天去超市。买"


def test_a_stop_string_is_found_when_a_character_spans_tokens(reciter):
    tokenizer = ByteTokenizer()
    said = "我今天去超市买了很多很多很多很多东西。然后回家。"
    model = reciter(tokenizer, tokenizer.encode(said).ids)
    text = generate(model, [EMPTY], greedy(), max_tokens=100, stop_strings=["。"])[0]
    assert text.text == "我今天去超市买了很多很多很多很多东西。"
    assert len(text.ids) == len(text.text.encode())


def test_a_stop_string_in_the_prompt_does_not_count(reciter):
    tokenizer = CharTokenizer(list("今天。"))
    model = reciter(tokenizer, tokenizer.encode("天。今").ids)
    text = generate(model, [tokenizer.encode("天。").ids], greedy(), max_tokens=9, stop_strings=["。"])[0]
    assert text.text == "今天。"


def test_a_line_end_can_be_a_stop_string(tokenizer, reciter):
    model = reciter(tokenizer, [3, 4, 1, 5])
    text = generate(model, [EMPTY], greedy(), max_tokens=9, stop_strings=["\n"], stop_at_eos=True)[0]
    assert (text.text, text.stop) == ("a b\n", "string")


def test_a_prompt_of_several_lines_ends_each_but_the_last(tokenizer):
    assert encode_prompt(tokenizer, "a b\n\nc").tolist() == [3, 4, 1, 1, 5]
    assert encode_prompt(tokenizer, "a\n").tolist() == [3, 1]
    assert encode_prompt(tokenizer, "").tolist() == []


def test_progress_grows_to_the_whole(chain_model):
    seen = []
    generate(chain_model, PROMPTS, AS_IT_IS, max_tokens=8, batch=4, stop_at_eos=True, progress=seen.append)
    done = [each.done for each in seen]
    assert done == sorted(done)
    assert (done[-1], seen[-1].total) == (6, 6)


def test_no_prompts_give_no_texts(chain_model):
    assert generate(chain_model, [], AS_IT_IS, max_tokens=3) == []


@pytest.mark.parametrize(
    ("prompts", "options", "says"),
    [
        ([EMPTY], {"max_tokens": 0}, "max_tokens"),
        ([EMPTY], {"max_tokens": 3, "batch": 0}, "batch"),
        ([EMPTY], {"max_tokens": 3, "stop_strings": [""]}, "stop_strings"),
        ([EMPTY], {"max_tokens": 3, "streams": [1, 2]}, "streams"),
        ([EMPTY, np.array([3, 0])], {"max_tokens": 3}, "prompt 1"),
        ([np.array([6])], {"max_tokens": 3}, "prompt 0"),
    ],
)
def test_what_cannot_be_continued_is_named(chain_model, prompts, options, says):
    with pytest.raises(InputError, match=says):
        generate(chain_model, prompts, parse("greedy()"), **options)
