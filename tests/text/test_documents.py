import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmcompare.errors import InputError
from lmcompare.text.corpus import Document
from lmcompare.text.documents import default_mode, make_documents, split_by_hash, split_stream, wrap
from lmcompare.text.options import TextOptions

PLAIN = TextOptions()
BLANK = TextOptions(keep_blank=True)
POEM = ["", "a", "b", "", " ", "c", "", "d", ""]


def cut(lines: list[str], mode: str, options: TextOptions = PLAIN) -> list[tuple[str, ...]]:
    return [document.sentences for document in make_documents("x", lines, options, mode)]


def test_the_modes_cut_where_they_say() -> None:
    assert cut(POEM, "file") == [("a", "b", "c", "d")]
    assert cut(POEM, "line") == [("a",), ("b",), ("c",), ("d",)]
    assert cut(POEM, "blank-line") == [("a", "b"), ("c",), ("d",)]
    assert cut(POEM, "lines:3") == [("a", "b", "c"), ("d",)]
    assert cut(POEM, "^[bd]$") == [("a",), ("b", "c"), ("d",)]


def test_kept_blank_lines_belong_to_the_document_before_them_or_to_the_first() -> None:
    assert cut(POEM, "file", BLANK) == [tuple(POEM)]
    assert cut(POEM, "blank-line", BLANK) == [("", "a", "b", "", " "), ("c", ""), ("d", "")]
    assert cut(POEM, "lines:4", BLANK) == [("", "a", "b", ""), (" ", "c", "", "d"), ("",)]


def test_what_stands_before_the_first_opening_is_a_document() -> None:
    lines = ["preface", "= One =", "x", "= Two =", "y"]
    assert cut(lines, "^= .* =$") == [("preface",), ("= One =", "x"), ("= Two =", "y")]
    assert cut(lines, "^no such line$") == [tuple(lines)]


def test_a_pattern_may_span_lines() -> None:
    lines = [" ", " = Title = ", " ", "x", " = 14 , y = ", "z"]
    pattern = "^ \n = (?!= ).*(?<! =) = \n \n"
    assert cut([*lines, *lines], pattern, BLANK) == [tuple(lines), tuple(lines)]


def test_a_document_is_called_by_its_file_and_first_line() -> None:
    assert [d.name for d in make_documents("x", POEM, PLAIN, "blank-line")] == ["x:1", "x:6", "x:8"]
    assert [d.name for d in make_documents("x", POEM, PLAIN, "file")] == ["x"]


@pytest.mark.parametrize("mode", ["file", "line", "blank-line", "lines:2", "x", ""])
def test_no_line_makes_no_document(mode: str) -> None:
    assert cut([], mode) == []
    assert cut(["", "  ", "\t"], mode) == []


LINES = st.lists(st.text("ab \t", max_size=4), max_size=30)
MODES = st.sampled_from(["file", "line", "blank-line", "lines:1", "lines:3", "^a", "b$", "a|b", ""])


@given(LINES, MODES)
def test_documents_hold_every_line_once_and_in_order(lines: list[str], mode: str) -> None:
    kept = [line for document in cut(lines, mode, BLANK) for line in document]
    assert kept == lines
    filled = [line for document in cut(lines, mode) for line in document]
    assert filled == [line for line in lines if line.strip()]


@given(st.text("ab ", max_size=60), st.integers(1, 12))
def test_wrapping_replaces_spaces_by_line_ends_and_loses_no_character(line: str, width: int) -> None:
    parts = list(wrap(line, width))
    assert " ".join(parts) == line
    assert all(len(part) <= width or " " not in part[1:] for part in parts)


def test_wrapped_lines_are_as_long_as_they_can_be() -> None:
    assert list(wrap("aa bb cc dddddddddd ee", 5)) == ["aa bb", "cc", "dddddddddd", "ee"]


def test_default_blocks_leave_a_hundred_documents_or_more() -> None:
    assert [default_mode(n) for n in (3, 150, 1_000, 5_000, 10**6)] == [
        "lines:1",
        "lines:1",
        "lines:10",
        "lines:50",
        "lines:50",
    ]


def many(number: int) -> list[Document]:
    return [Document(f"d{n}", (f"sentence {n}",)) for n in range(number)]


def where(splits: dict[str, list[Document]]) -> dict[str, str]:
    return {document.name: split for split, documents in splits.items() for document in documents}


def test_every_document_is_in_one_split_and_the_shares_are_about_right() -> None:
    splits = split_by_hash(many(5_000), PLAIN, by_name=False)
    assert sorted(where(splits)) == sorted(document.name for document in many(5_000))
    # Binomial: 0.8 of 5,000 has a standard deviation of 28 documents, 0.1 of 21.
    assert abs(len(splits["train"]) - 4_000) < 4 * 28
    assert abs(len(splits["valid"]) - 500) < 4 * 21
    assert abs(len(splits["test"]) - 500) < 4 * 21


def test_a_document_stays_in_its_split_when_others_come_and_go() -> None:
    before = where(split_by_hash(many(200), PLAIN, by_name=False))
    after = where(split_by_hash(many(300)[50:], PLAIN, by_name=False))
    assert all(after[name] == split for name, split in before.items() if name in after)


def test_by_name_a_document_stays_in_its_split_when_its_text_is_edited() -> None:
    edited = [Document(document.name, ("other",)) for document in many(200)]
    assert where(split_by_hash(edited, PLAIN, by_name=True)) == where(
        split_by_hash(many(200), PLAIN, by_name=True)
    )


def test_the_prefix_is_part_of_the_name_that_is_hashed() -> None:
    prefixed = [Document(f"x:{document.name}", document.sentences) for document in many(200)]
    found = where(split_by_hash(prefixed, PLAIN, by_name=True))
    expected = {name.removeprefix("x:"): split for name, split in found.items()}
    assert where(split_by_hash(many(200), PLAIN, by_name=True, prefix="x:")) == expected
    assert where(split_by_hash(many(200), PLAIN, by_name=True)) != expected


def test_by_content_equal_documents_are_in_one_split() -> None:
    twice = [*many(100), *(Document(f"copy of {d.name}", d.sentences) for d in many(100))]
    found = where(split_by_hash(twice, PLAIN, by_name=False))
    assert all(found[f"copy of d{n}"] == found[f"d{n}"] for n in range(100))


@pytest.mark.parametrize("number", [3, 4, 5, 10, 25])
@pytest.mark.parametrize("shares", [(80, 10, 10), (98, 1, 1), (1, 1, 98), (1, 98, 1), (80, 1, 19)])
def test_few_documents_still_fill_every_split(number: int, shares: tuple[float, float, float]) -> None:
    splits = split_by_hash(many(number), TextOptions(shares=shares), by_name=True)
    assert all(splits.values())
    names = [document.name for documents in splits.values() for document in documents]
    assert sorted(names) == sorted(f"d{n}" for n in range(number))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_too_few_documents_to_split_are_one_sentence(number: int) -> None:
    with pytest.raises(InputError, match="cannot be split into train, valid and test") as caught:
        split_by_hash(many(number), PLAIN, by_name=True)
    assert "lines:10" in str(caught.value)


def test_a_stream_is_cut_in_order_nearest_to_the_shares() -> None:
    lines = [f"{n:03}" for n in range(100)]  # four bytes each, with the line end
    parts = split_stream(lines, TextOptions(shares=(90, 5, 5)))
    assert parts["train"] == lines[:90] and parts["valid"] == lines[90:95] and parts["test"] == lines[95:]


def test_a_stream_may_be_cut_only_after_blank_lines() -> None:
    lines = ["a", "a", "", "b", "", "c", "c", "c", "", "d"]
    parts = split_stream(lines, TextOptions(stream_at="blank-line", shares=(1, 1, 1)))
    assert [line for split in ("train", "valid", "test") for line in parts[split]] == lines
    assert parts["train"][-1] == "" and parts["valid"][-1] == ""


def test_a_stream_counts_bytes_and_not_characters() -> None:
    lines = ["中" * 10] * 10 + ["a" * 10] * 30  # 310 bytes of Chinese, 330 of English
    parts = split_stream(lines, TextOptions(shares=(50, 25, 25)))
    assert len(parts["train"]) == 11


def test_one_endless_line_is_a_stream_when_it_is_wrapped() -> None:
    text = "word " * 1_000
    parts = split_stream([text.strip()], TextOptions(wrap=50, shares=(80, 10, 10)))
    assert " ".join(line for part in parts.values() for line in part) == text.strip()
    with pytest.raises(InputError, match="too short to be split"):
        split_stream([text], PLAIN)


@given(LINES, st.sampled_from(["line", "blank-line"]), st.tuples(*[st.floats(0.01, 100)] * 3))
def test_a_stream_loses_nothing_and_leaves_no_split_without_a_line(
    lines: list[str], place: str, shares: tuple[float, float, float]
) -> None:
    options = TextOptions.model_validate({"stream_at": place, "shares": shares})
    try:
        parts = split_stream(lines, options)
    except InputError as error:
        assert "too short" in str(error)
        return
    assert [line for split in ("train", "valid", "test") for line in parts[split]] == lines
    assert all(parts.values())
