import bz2
import gzip
import lzma
import math
from pathlib import Path

import numpy as np
import pytest
from arpa_files import (
    DERIVED,
    FOUND,
    SMALL,
    arpa_text,
    assert_scored_as_by_kenlm,
    kenlm_model,
    random_sentences,
)
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from lmplz_files import REFERENCE, present

from lmcompare import laws
from lmcompare.errors import InputError
from lmcompare.models.ngram.arpa import list_words, ngram_counts, read_arpa

READ_BY_KENLM_TOO = [
    FOUND / "kenlm_test.arpa",
    FOUND / "mfa_test_lm.arpa",
    FOUND / "pyctcdecode_bugs_bunny.arpa",
    DERIVED / "crlf.arpa",
    DERIVED / "neg_inf.arpa",
    DERIVED / "plain.arpa.gz",
]
ONLY_READ_HERE = ["upper_headers.arpa", "bom.arpa", "spaces.arpa", "preamble.arpa"]
SPHINX = ["sphinx_100.lm.gz", "sphinx_turtle.lm", "sphinx4_an4_full.bigram.lm"]


@pytest.mark.parametrize("path", READ_BY_KENLM_TOO, ids=lambda path: path.name)
def test_a_file_of_another_tool_is_scored_as_by_kenlm(path: Path) -> None:
    model = read_arpa(present(path))
    assert_scored_as_by_kenlm(model, kenlm_model(path), random_sentences(model.tokenizer, 150))


def test_without_unk_in_the_file_unknown_words_have_no_probability_and_all_others_that_of_kenlm() -> None:
    path = present(FOUND / "kenlm_test_nounk.arpa")
    model = read_arpa(path)
    sentences = random_sentences(model.tokenizer, 150)
    assert any("never-seen" in sentence for sentence in sentences)
    assert_scored_as_by_kenlm(model, kenlm_model(path), sentences, unknown=-math.inf)


@pytest.mark.parametrize("name", ONLY_READ_HERE)
def test_a_variant_that_kenlm_refuses_is_scored_as_the_file_it_was_made_of(name: str) -> None:
    with pytest.raises(OSError, match="Cannot read model"):
        kenlm_model(present(DERIVED / name))
    model = read_arpa(DERIVED / name)
    theirs = kenlm_model(present(FOUND / "kenlm_test.arpa"))
    assert_scored_as_by_kenlm(model, theirs, random_sentences(model.tokenizer, 150))


@pytest.mark.parametrize("name", SPHINX)
def test_a_file_with_a_preamble_is_scored_as_kenlm_scores_it_without(name: str, tmp_path: Path) -> None:
    path = present(FOUND / name)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    stripped = tmp_path / "stripped.arpa"
    stripped.write_text(_plain(content.decode()))
    model = read_arpa(path)
    known = [s.replace("never-seen", "") for s in random_sentences(model.tokenizer, 150)]
    assert_scored_as_by_kenlm(model, kenlm_model(stripped), known)


def _plain(text: str) -> str:
    """Without what stands before the data, and with tabs where KenLM wants them."""
    lines, order = [], 0
    for line in text[text.index("\n\\data\\") + 1 :].splitlines():
        fields = line.split()
        if line.startswith("\\") and line[1].isdigit():
            order = int(line[1])
        elif order and len(fields) > order:
            fields = [fields[0], " ".join(fields[1 : order + 1]), *fields[order + 1 :]]
        lines.append("\t".join(fields) if order else line.strip())
    return "\n".join(lines) + "\n"


def test_a_file_that_was_cut_off_is_refused_with_file_and_line() -> None:
    path = present(DERIVED / "no_end.arpa")
    with pytest.raises(InputError, match=r"the file ends before \\end\\: it was cut off") as caught:
        read_arpa(path)
    assert caught.value.where == f"{path}, line {path.read_bytes().count(bytes([10])) + 1}"


def test_cut_off_anywhere_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.arpa"
    for length in range(0, SMALL.index("\\end\\") + 4, 7):
        path.write_text(SMALL[:length])
        with pytest.raises(InputError, match="cut.arpa, line "):
            read_arpa(path)


@pytest.mark.parametrize("name", ["ewt.3.pruned001", "gsd.3", "tiny.4.fallback"])
def test_files_of_lmplz_are_scored_as_by_kenlm_and_keep_the_laws(name: str) -> None:
    path = present(REFERENCE / f"{name}.arpa.gz")
    model = read_arpa(path)
    assert_scored_as_by_kenlm(model, kenlm_model(path), random_sentences(model.tokenizer, 100))
    broken = [result.law for result in laws.check(model, tolerance=1e-4) if result.passed is False]
    assert broken == []


@pytest.mark.parametrize(
    ("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
def test_packed_files_are_read_whatever_their_name(tmp_path: Path, suffix: str, pack: object) -> None:
    plain, packed = tmp_path / "plain.arpa", tmp_path / "packed.arpa"
    plain.write_text(SMALL)
    packed.write_bytes(pack(SMALL.encode()))  # type: ignore[operator]
    np.testing.assert_array_equal(read_arpa(plain).tables.logprobs, read_arpa(packed).tables.logprobs)
    assert ngram_counts(packed) == [5, 3, 2]
    assert list_words(packed) == ["a", "b"]


WRONG = [
    ("ngram 2=3", "ngram 3=3", 3, "expected 'ngram 2=...'"),
    ("ngram 2=3", "two", 3, "expected 'ngram 2=...'"),
    ("ngram 2=3", "ngram 2=4", 13, "3 n-grams of order 2, the header says 4"),
    ("\\3-grams:", "\\4-grams:", 1, "the header lists 3 orders, the sections are 1, 2, 4"),
    ("-0.5\ta\t", "0.5\ta\t", 10, "the probability is above 1"),
    ("-0.5\ta\t", "minus\ta\t", 10, "'minus' is not a number"),
    ("-0.5\ta\t", "nan\ta\t", 10, "'nan' is not a number"),
    ("-0.5\ta\t", "-0_5\ta\t", 10, "'-0_5' is not a number"),
    ("-0.7\tb\t-0.1", "-0.7\tb\tinf", 11, "'inf' is not a number"),
    ("-0.7\tb\t", "-0.7\ta\t", 11, "the word 'a' stands twice"),
    ("-0.6\ta b\t", "-0.6\ta c\t", 15, "'c' is not among the 1-grams"),
    ("-0.6\ta b\t", "-0.6\t<s> a\t", 15, "the n-gram stands twice"),
    ("-0.3\ta b </s>", "-0.3\tb a </s>", 20, "the first 2 words are not listed"),
    ("-0.6\ta b\t-0.25", "-0.6\ta b\t-0.25 9", 15, "at most one back-off weight, not 5 fields"),
    ("-0.6\ta b\t-0.25", "-0.6\ta", 15, "2 words and at most one back-off weight, not 2 fields"),
    ("-99\t<s>", "-99\tx", 6, "there is no <s> among the 1-grams"),
    ("-0.9\t</s>", "-0.9\tx", 6, "there is no </s> among the 1-grams"),
    ("\\data\\", "data", 1, "not an ARPA file"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "message"), WRONG)
def test_a_wrong_line_is_named(tmp_path: Path, right: str, wrong: str, line: int, message: str) -> None:
    path = tmp_path / "wrong.arpa"
    assert SMALL.count(right) == 1
    path.write_text(SMALL.replace(right, wrong))
    with pytest.raises(InputError) as caught:
        read_arpa(path)
    assert message in caught.value.what
    assert caught.value.where == f"{path}, line {line}"


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.arpa"
    path.write_bytes(SMALL.encode().replace(b"\tb", b"\t\xe9").replace(b" b", b" \xe9"))
    with pytest.raises(InputError, match="line 11: the word is not UTF-8 text"):
        read_arpa(path)


def test_blank_lines_and_text_before_the_data_do_not_move_the_line_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.arpa"
    moved = "made by hand\n\n" + SMALL.replace("-0.5\ta", "\n\nminus\ta")
    path.write_text(moved)
    with pytest.raises(InputError, match=f"line {moved[: moved.index('minus')].count(chr(10)) + 1}: 'minus'"):
        read_arpa(path)


def test_a_kenlm_binary_is_sent_to_its_own_kind(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(99))
    with pytest.raises(
        InputError, match="a KenLM binary, not an ARPA file. Use it through a model of kind kenlm"
    ):
        read_arpa(path)


WIDE = ["a\xa0b", "中\u3000文", "x\x85"]


def test_words_with_white_space_of_unicode_are_never_met_and_a_note_says_so(tmp_path: Path) -> None:
    path = tmp_path / "wide.arpa"
    path.write_text(SMALL)
    assert read_arpa(path).notes == []
    path.write_bytes(SMALL.replace("b", WIDE[0]).encode())
    model, theirs = read_arpa(path), kenlm_model(path)
    assert model.notes == ["1 word holds white space and is never met in text"]
    expected, _, unknown = list(theirs.full_scores(f"a {WIDE[0]}"))[1]
    assert not unknown and model.tokenizer.encode(f"a {WIDE[0]}").ids.tolist() == [3, 3, 2]  # "a", "a", "b"
    found = model.next_logprobs([np.array([3])])[0, 4] / math.log(10)
    assert found == pytest.approx(expected, abs=1e-6)
    path.write_bytes(arpa_text(["-1\t<s>", "-1\t</s>", *(f"-1\t{word}" for word in WIDE)]).encode())
    assert read_arpa(path).notes == ["3 words hold white space and are never met in text"]


def test_large_unk_is_unk(tmp_path: Path) -> None:
    path = tmp_path / "upper.arpa"
    path.write_text(SMALL.replace("<unk>", "<UNK>"))
    model = read_arpa(path)
    assert model.tokenizer.size == 5
    assert model.score([np.array([2])])[0] == pytest.approx(-1.3 * math.log(10))  # backs off from <s>


def test_a_text_that_holds_special_signs_as_words_holds_unknown_words(tmp_path: Path) -> None:
    path = tmp_path / "small.arpa"
    path.write_text(SMALL)
    model = read_arpa(path)
    for sign in ("<s>", "</s>", "<unk>"):
        assert model.tokenizer.encode(f"a {sign} b").ids.tolist() == [3, model.tokenizer.unk, 4]


def test_bos_has_no_probability_whatever_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "bos.arpa"
    ones = ["-0.1\t<s>\t-0.3", "-0.9\t</s>", "-0.5\ta\t-0.2"]
    path.write_text(arpa_text(ones, ["-0.2\t<s> a", "-0.4\ta <s>"]))
    model = read_arpa(path)
    logprobs = model.next_logprobs([np.zeros(0, int), np.array([3]), np.array([3, 3])])
    assert np.all(logprobs[:, model.tokenizer.bos] == -math.inf)


def test_long_ngrams_are_read_and_found(tmp_path: Path) -> None:
    order = 70
    ones = ["-9\t<unk>", "-99\t<s>\t0", "-0.9\t</s>", "-0.5\ta\t0"]
    longer = [[f"-0.{n}\t" + " ".join(["a"] * n) + "\t-0.125" * (n < order)] for n in range(2, order + 1)]
    path = tmp_path / "long.arpa"
    path.write_text(arpa_text(ones, *longer))
    model = read_arpa(path)
    row = model.next_logprobs([np.full(order + 5, 3)])[0] / math.log(10)
    assert row[3] == pytest.approx(-0.70, abs=1e-6)
    assert row[1] == pytest.approx(-0.9 - 0.125 * (order - 2), abs=1e-5)


WORDS = ["a", "b", "c"]
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]


@st.composite
def made_up(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A file whose n-grams may lack their endings, as other tools prune, and sentences of its n-grams."""
    order = draw(st.integers(3, 5))
    # Weights above 1 are allowed, but no product above 1: KenLM loses the sign of such a log probability.
    numbers = st.integers(-300, -100).map(lambda n: n / 100)
    weights = st.integers(-200, 24).map(lambda n: n / 100)
    sections = [[f"{draw(numbers)}\t{w}\t{draw(weights)}" for w in ["<unk>", "<s>", "</s>", *WORDS]]]
    contexts = [("<s>",), *((word,) for word in WORDS)]
    pieces = [(word,) for word in [*WORDS, "x"]]
    for n in range(2, order + 1):
        every = [(*context, word) for context in contexts for word in [*WORDS, "</s>"]]
        kept = draw(st.lists(st.sampled_from(every), unique=True, min_size=len(every) // 2))
        weight = [f"\t{draw(weights)}" if n < order and gram[-1] != "</s>" else "" for gram in kept]
        sections.append([f"{draw(numbers)}\t{' '.join(g)}{w}" for g, w in zip(kept, weight, strict=True)])
        contexts = draw(st.lists(st.sampled_from(kept), unique=True, max_size=6))
        contexts = [gram for gram in contexts if gram[-1] != "</s>"]
        pieces += [tuple(word for word in gram if word[0] != "<") for gram in contexts]
        if not contexts:
            break
    sections[-1] = ["\t".join(line.split("\t")[:2]) for line in sections[-1]]
    sentence = st.lists(st.sampled_from(pieces), max_size=5).map(lambda some: " ".join(sum(some, ())))
    return arpa_text(*sections), draw(st.lists(sentence, min_size=3, max_size=12))


@given(made_up())
@settings(deadline=None, max_examples=60, suppress_health_check=QUIET)
def test_ngrams_whose_endings_are_not_listed_are_scored_as_by_kenlm(
    tmp_path: Path, made: tuple[str, list[str]]
) -> None:
    path = tmp_path / "made-up.arpa"
    path.write_text(made[0])
    model = read_arpa(path)
    try:
        theirs = kenlm_model(path)
    except OSError as error:  # KenLM keeps little room for the endings that it adds
        assert "ProbingSizeException" in str(error)
        reject()
    assert_scored_as_by_kenlm(model, theirs, made[1])
