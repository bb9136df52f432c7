import numpy as np
import pytest
from markov_toy import Markov

from lmcompare.errors import InputError
from lmcompare.evaluation.explanation import explain, telling
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.text.tokenizers import TokenizerOptions, build

LINES = ["the cat sees the dog .", "the dog sees a cat .", "a bird sees the cat .", "the cat likes a bird ."]
TOKENIZER = build(TokenizerOptions(kind="word"), LINES)
TEXT = [TOKENIZER.encode_document(LINES)]


def test_the_last_token_is_explained_and_its_shares_add_up() -> None:
    model = train_ngram(TEXT, TOKENIZER, NgramOptions(order=4))
    found = explain(model, "the cat sees the", TEXT)
    assert found is not None and found.token == "the" and found.interpolated
    expected = float(np.exp(model.score([TOKENIZER.encode("the cat sees the").ids])[0][-1]))
    assert found.probability == pytest.approx(expected, rel=1e-6)
    assert sum(step.share for step in found.steps) == pytest.approx(expected, rel=1e-6)
    assert [step.order for step in found.steps] == [4, 3, 2, 1, 0]
    assert [step.context for step in found.steps[:3]] == [["the", "cat", "sees"], ["cat", "sees"], ["sees"]]
    assert found.steps[0].seen == (1, 1) and not found.steps[0].kinds
    # "sees" stands before "the" twice, after "cat" and after "bird"; after "dog" an "a" follows.
    assert found.steps[2].seen == (2, 3) and found.steps[2].counted == (2, 3) and not found.steps[2].kinds


def test_lower_orders_of_kneser_ney_count_kinds() -> None:
    model = train_ngram(TEXT, TOKENIZER, NgramOptions(order=3))
    found = explain(model, "never-seen cat", TEXT)
    assert found is not None
    single = found.steps[-2]
    assert single.order == 1 and single.seen == (4, 28) and single.counted == (2, 17) and single.kinds


def test_the_end_of_a_sentence_is_explained_after_a_line_end() -> None:
    model = train_ngram(TEXT, TOKENIZER, NgramOptions(order=3))
    found = explain(model, "the cat .\n")
    assert found is not None and found.token == "</s>" and found.steps[0].context == ["cat", "."]


def test_counts_of_another_text_are_not_shown() -> None:
    model = train_ngram(TEXT, TOKENIZER, NgramOptions(order=3))
    for other in ([], [TEXT[0][:10]]):
        found = explain(model, "the cat", other)
        assert found is not None and all(step.seen is None for step in found.steps)


def test_a_model_without_tables_has_no_path_and_an_empty_text_no_token() -> None:
    size = TOKENIZER.size
    assert explain(Markov(TOKENIZER, np.full((size, size), 1 / size)), "the") is None
    with pytest.raises(InputError, match="the text is empty"):
        explain(train_ngram(TEXT, TOKENIZER, NgramOptions(order=2)), "")


def test_the_marks_at_the_end_of_a_sentence_are_left_out() -> None:
    assert telling("the cat sat .") == "the cat sat"
    assert telling("今天下雨。") == "今天下雨"
    assert telling("...") == "..."
