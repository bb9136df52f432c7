from __future__ import annotations

import pytest

from lmcompare.errors import InputError
from lmcompare.evaluation.slices.tags import check_tags, read_tags, tags_of_events
from lmcompare.text.tokenizers import TokenizerOptions, build
from lmcompare.text.tokenizers.word import WordTokenizer

CONLLU = """# sent_id = 1
# text = I don't go.
1\tI\tI\tPRON\t_\t_\t4\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
2\tdo\tdo\tAUX\t_\t_\t4\taux\t_\t_
3\tn't\tnot\tPART\t_\t_\t4\tadvmod\t_\t_
4\tgo\tgo\tVERB\t_\t_\t0\troot\t_\tSpaceAfter=No
4.1\tgone\tgo\tVERB\t_\t_\t_\t_\t_\t_
5\t.\t.\tPUNCT\t_\t_\t4\tpunct\t_\t_

1\t我們\t_\tPRON\t_\t_\t2\tnsubj\t_\tSpaceAfter=No
2\t來\t_\tVERB\t_\t_\t0\troot\t_\tSpaceAfter=No
"""
SENTENCES = ["I don't go.", "我們來"]


@pytest.fixture
def conllu(tmp_path):
    path = tmp_path / "test.conllu"
    path.write_text(CONLLU, encoding="utf-8")
    return path


def test_universal_dependencies_are_read_directly(conllu):
    first, second = read_tags(conllu)
    assert (first.line, first.tags, first.forms) == (
        3,
        ["PRON", "AUX+PART", "VERB", "PUNCT"],
        ["I", "don't", "go", "."],
    )
    assert (second.line, second.tags, second.forms) == (11, ["PRON", "VERB"], ["我們", "來"])


def test_each_token_has_the_tag_of_the_word_that_it_begins_in(conllu):
    tokenizer = build(TokenizerOptions(kind="char"), SENTENCES)
    found = tags_of_events(SENTENCES, read_tags(conllu), tokenizer, conllu)
    words = ["PRON", *["AUX+PART"] * 6, *["VERB"] * 3, "PUNCT"]  # a space goes to the word after it
    assert found == [*words, "eos", "PRON", "PRON", "VERB", "eos"]


def test_a_word_token_that_covers_two_words_has_the_tag_of_the_first(conllu):
    tokenizer = WordTokenizer(["I", "don't", "go.", "我們來"])
    found = tags_of_events(SENTENCES, read_tags(conllu), tokenizer, conllu)
    assert found == ["PRON", "AUX+PART", "VERB", "eos", "PRON", "eos"]


def test_a_line_of_tags_is_laid_on_words_or_on_tokens(tmp_path):
    path = tmp_path / "test.tags"
    path.write_text("D N\nx y z\n\n", encoding="utf-8")
    tokenizer = build(TokenizerOptions(kind="char"), ["the cat", "我們來"])
    found = tags_of_events(["the cat", "我們來", ""], read_tags(path), tokenizer, path)
    assert found == [*"DDDNNNN", "eos", *"xyz", "eos", "eos"]


@pytest.mark.parametrize(
    ("sentences", "told"),
    [
        (["I don't go.", "我來"], r"line 11 \(sentence 2\): the word '我們' does not stand there in '我來'"),
        (["I don't go. No.", "我們來"], r"line 3 \(sentence 1\): the words end before 'No\.'"),
        (["I don't go."], "tags of 2 sentences, and the text has 1"),
        (["I don't go.", "我們來", "more"], "tags of 2 sentences, and the text has 3"),
    ],
)
def test_the_first_sentence_that_does_not_fit_is_named(conllu, sentences, told):
    tokenizer = build(TokenizerOptions(kind="char"), SENTENCES)
    with pytest.raises(InputError, match=told):
        tags_of_events(sentences, read_tags(conllu), tokenizer, conllu)
    with pytest.raises(InputError, match=told):
        check_tags(sentences, read_tags(conllu), conllu)


def test_tags_that_fit_pass_the_check_before_training(conllu, tmp_path):
    check_tags(SENTENCES, read_tags(conllu), conllu)
    path = tmp_path / "test.tags"
    path.write_text("D N\n", encoding="utf-8")
    check_tags(["any"], read_tags(path), path)  # tags may be of tokens: only a tokenizer can tell


def test_a_line_with_too_few_tags_is_named(tmp_path):
    path = tmp_path / "test.tags"
    path.write_text("D N\nD\n", encoding="utf-8")
    tokenizer = WordTokenizer(["a", "b"])
    with pytest.raises(InputError, match=r"line 2 \(sentence 2\): there are 1 tags for 2 words of 'a b'"):
        tags_of_events(["a b", "a b"], read_tags(path), tokenizer, path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "1\tI\tI\tPRON\t_\t_\t4\tnsubj\t_\t_\n2\tgo\tgo\n",
            "line 2: a word has 10 columns in CoNLL-U, not 3",
        ),
        ("x\tI\tI\tPRON\t_\t_\t4\tnsubj\t_\t_\n", "line 1: 'x' is no word's number"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, content, told):
    path = tmp_path / "bad.conllu"
    path.write_text(content)
    with pytest.raises(InputError, match=told):
        read_tags(path)


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="the tags cannot be read: No such file"):
        read_tags(tmp_path / "none.conllu")
