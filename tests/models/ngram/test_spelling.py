from hypothesis import given
from hypothesis import strategies as st

from lmcompare.interface import Tokenizer
from lmcompare.models.ngram.spelling import names, read, vocabulary, written
from lmcompare.text.tokenizers import TokenizerOptions, build

TOKENS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text(
    "\\{}<unk>s/ 2a\n", max_size=8
)


@given(TOKENS)
def test_every_token_is_written_without_what_parts_words_and_read_back(token: str) -> None:
    word = written(token)
    assert word.encode().split() == [word.encode()] and "\0" not in word
    assert word not in {"<s>", "</s>", "<unk>", "<UNK>"}
    assert read(word) == token


@given(st.lists(TOKENS, unique=True, max_size=8))
def test_different_tokens_are_written_differently(tokens: list[str]) -> None:
    assert len(set(map(written, tokens))) == len(tokens)


def test_ordinary_words_stand_as_they_are_and_special_signs_have_a_spelling_of_their_own() -> None:
    assert written("größe") == "größe"
    assert [written(token) for token in ("<unk>", "</s>", " ", "\\", "")] == [
        "\\<unk>",
        "\\</s>",
        "\\\\{20}",
        "\\",
        "\\{}",
    ]
    assert [written(token) for token in ("\\alpha", "\\<unk>", "\\{}", "\\\\{20}")] == [
        "\\alpha",
        "\\\\\\<unk>",
        "\\\\\\{}",
        "\\\\\\\\\\{20}",
    ]


def test_words_of_other_tools_stand_for_themselves() -> None:
    for word in ("word", "\\a", "\\{20}", "a\\{20}", "\\\\{zz}", "\\\\{fffffff}", "\\a\\{a0}b"):
        assert read(word) == word


def test_white_space_that_parts_no_words_of_a_file_stands_as_it_is() -> None:
    for word in ("a\xa0b", "\u3000", "\x85", "\u2028x"):
        assert written(word) == word and read(word) == word


class LooksAlike:
    """Ids that a person cannot tell apart, one of them spelled like an id's way out."""

    bos, eos, unk, size = 4, 5, None, 6

    def token(self, index: int) -> str:
        return ["x", "x", "x\\1", "x", "<s>", "</s>"][index]


def test_each_id_has_a_name_of_its_own() -> None:
    tokenizers: list[Tokenizer] = [LooksAlike()]  # type: ignore[list-item]
    for kind in ("byte", "char", "word", "bpe"):
        options = TokenizerOptions(kind=kind, size=300) if kind == "bpe" else TokenizerOptions(kind=kind)
        tokenizers.append(build(options, ["<s> <unk> a\\b  \x0b </s>", "é 你好\u3000。"]))
    for tokenizer in tokenizers:
        found = names(tokenizer)
        assert len(set(found)) == tokenizer.size
        assert found[tokenizer.bos] == "<s>" and found[tokenizer.eos] == "</s>"
        assert all(name.encode().split() == [name.encode()] and "\0" not in name for name in found)


def test_a_vocabulary_has_the_tokens_that_text_can_hold() -> None:
    assert vocabulary(["a", "\\<unk>", "\\\\{20}", "\\", "\\{}"]) == ["a", "<unk>", "\\\\{20}", "\\", "\\{}"]


class OfWords:
    """A tokenizer of words as a file lists them."""

    bos, eos, unk = 0, 1, 2

    def __init__(self, words: list[str]) -> None:
        self.words, self.size = ["<s>", "</s>", "<unk>", *words], len(words) + 3

    def token(self, index: int) -> str:
        return self.words[index]


WORDS = TOKENS.map(written) | TOKENS.map(written).map(lambda word: written("\\" + word))


@given(st.lists(WORDS, unique=True, max_size=8))
def test_words_that_are_read_are_written_as_they_were(words: list[str]) -> None:
    words = [word for word in words if "\0" not in word and word not in ("<s>", "</s>", "<unk>", "<UNK>")]
    assert names(OfWords(vocabulary(words)))[3:] == words  # type: ignore[arg-type]


def test_words_that_would_become_the_same_token_keep_their_written_form() -> None:
    class_of_two = ["\\<s>", "<s>"]
    assert vocabulary(class_of_two) == class_of_two
