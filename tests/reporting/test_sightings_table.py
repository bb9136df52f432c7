import numpy as np
import pytest

from lmcompare.models.ngram.sightings import sightings
from lmcompare.models.ngram.suffix_array import SuffixArray
from lmcompare.reporting.language import language
from lmcompare.reporting.sightings import sightings_table
from lmcompare.reporting.table import Table
from lmcompare.text.tokenizers import TokenizerOptions, build

DOCUMENTS = [["the cat sees a dog", "the dog sees the cat here"], ["a cat sees the bird"]]


def table(kind: str, text: str, code: str = "en") -> Table:
    lines = [line for document in DOCUMENTS for line in document]
    options = TokenizerOptions(kind=kind, size=280) if kind == "bpe" else TokenizerOptions(kind=kind)
    tokenizer = build(options, lines)
    index = SuffixArray.build(
        [tokenizer.encode_document(document) for document in DOCUMENTS],
        bos=tokenizer.bos,
        eos=tokenizer.eos,
        size=tokenizer.size,
    )
    found = sightings(index, np.asarray(tokenizer.encode(text).ids), around=2)
    return sightings_table(found, tokenizer, text, language(code), "any")


def test_a_row_is_an_end_with_its_times_and_its_first_place() -> None:
    found = table("word", "the bird sees the")
    assert found.texts() == [
        ["2", "2", "1", "2", "the dog ⟦sees the⟧ cat here"],
        ["1", "4", "1", "1", "⟦the⟧ cat sees"],
    ]
    assert found.title == "any: where the end of “the bird sees the” was seen"


def test_the_start_of_a_sentence_counts_and_line_ends_are_seen() -> None:
    assert table("word", "the dog").texts()[0] == ["3", "1", "1", "2", "dog⏎⟦the dog⟧ sees the"]


@pytest.mark.parametrize("kind", ["char", "byte", "bpe"])
def test_tokens_that_are_no_words_stand_in_the_text_as_it_was(kind: str) -> None:
    for _, _, document, sentence, words in table(kind, "a bird sees a").texts():
        shown = words.replace("⟦", "").replace("⟧", "").strip("⏎").split("⏎")
        lines = DOCUMENTS[int(document) - 1]
        assert any(part in lines[int(sentence) - 1] for part in shown)
        assert words.replace("⟦", "").replace("⟧", "").replace("⏎", "\n") in "\n".join(lines) + "\n"


def test_where_nothing_was_seen_one_sentence_says_so() -> None:
    found = table("word", "a fish", "zh")
    assert found.rows == () and found.notes == ("训练文本中没有最后这个词元。",)
