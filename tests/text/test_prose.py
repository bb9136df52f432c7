import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmcompare.text.prose import paragraphs_of, set_apart


def sentences(text: str) -> list[str]:
    return [s for paragraph in paragraphs_of(textwrap.dedent(text)) for s in paragraph]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Call "main()" (twice), then stop.', 'Call " main() " ( twice ) , then stop .'),
        ("See os.path.join(a, b) and f().", "See os.path.join(a , b ) and f() ."),
        ("Don't split don't or x.y.", "Don't split don't or x.y ."),
        ("For example, e.g. this, i.e. that.", "For example , e.g. this , i.e. that ."),
        ("Wait... what?!", "Wait ... what ? !"),
        ("He said “no” and left.", "He said “ no ” and left ."),
        ("A list [of things] here", "A list [ of things ] here"),
        ("maps[1:] stays", "maps[1:] stays"),
        ("3.14 is 3,000 less.", "3.14 is 3,000 less ."),
    ],
)
def test_punctuation_is_set_apart_at_the_edges_of_words_only(text: str, expected: str) -> None:
    assert set_apart(text) == expected


@given(st.text(st.sampled_from("ab .,;:!?\"'()[]“”"), max_size=40))
def test_setting_apart_changes_nothing_but_spaces_and_is_done_when_it_is_done(text: str) -> None:
    found = set_apart(text)
    assert found.replace(" ", "") == text.replace(" ", "")
    assert set_apart(found) == found
    assert "  " not in found and found == found.strip()


def test_a_paragraph_is_cut_into_sentences_over_line_ends() -> None:
    text = """\
        Return the first element
        of the list.  The list must not be empty.  Use
        other() otherwise.
        """
    assert sentences(text) == [
        "Return the first element of the list .",
        "The list must not be empty .",
        "Use other() otherwise .",
    ]


def test_abbreviations_end_no_sentence() -> None:
    text = "Takes a colour, e.g. Red or Blue, i.e. A name vs. B name, of the widget."
    assert sentences(text) == [
        "Takes a colour , e.g. Red or Blue , i.e. A name vs . B name , of the widget ."
    ]


def test_only_a_summary_may_lack_its_full_stop() -> None:
    assert sentences("Return the answer to all\n\nReturn the answer to all\n") == ["Return the answer to all"]


def test_examples_tables_headings_and_directives_are_dropped() -> None:
    text = """\
        The summary of this thing.

        Examples
        ========

        >>> print("This is an example of output.")
        This is an example of output.

        .. note:: This line is a directive of the markup.

        Column one    Column two is apart.

        if_stmt ::= "if" assignment_expression.

        $ python -m thing is what one types.

        def function(argument): This is some code.

        The end of this thing.
        """
    assert sentences(text) == ["The summary of this thing .", "The end of this thing ."]


def test_list_items_are_paragraphs_of_their_own() -> None:
    text = """\
        The rules are these:

        * The first rule is short.
        * The second rule
          takes two lines.
        1. The third rule has a number.
        """
    assert sentences(text) == [
        "The rules are these :",
        "The first rule is short .",
        "The second rule takes two lines .",
        "The third rule has a number .",
    ]


def test_markup_is_dropped_and_what_it_marks_is_kept() -> None:
    text = "The :class:`~os.PathLike` has ``fspath``, `x`, *not* **many** others [1]."
    assert sentences(text) == ["The os.PathLike has fspath , x , not many others ."]
    assert sentences("This is an example of the thing::\n") == ["This is an example of the thing :"]


def test_too_short_too_long_and_too_little_prose_is_dropped() -> None:
    assert sentences("Two words.") == []
    assert sentences("Three words here.") == ["Three words here ."]
    assert sentences("Word " + "word " * 60 + "word.") == []
    assert sentences("The x=3 y=4 z=5 w=6 of it.") == []


def test_sentences_start_with_a_capital_letter() -> None:
    assert sentences("lower case starts are code or leftovers.") == []
    assert sentences('"Quoted starts" are welcome here.') == ['" Quoted starts " are welcome here .']


@given(st.text(max_size=300))
@settings(max_examples=30)
def test_any_text_gives_printable_single_lines_between_single_spaces(text: str) -> None:
    for sentence in sentences(text):
        assert sentence == " ".join(sentence.split()) and sentence.isprintable()


@given(st.text(st.sampled_from("AbC .\n*`:=-!"), max_size=200))
def test_no_sentence_is_made_of_markup_alone(text: str) -> None:
    for paragraph in paragraphs_of(text):
        assert paragraph
        assert all(any(c.isalpha() for c in sentence) for sentence in paragraph)
