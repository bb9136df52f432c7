import math
import sys
from pathlib import Path

import numpy as np
import pytest
from arpa_files import FOUND, SMALL, arpa_text, random_sentences
from lmplz_files import REFERENCE, present
from test_kenlm_binary import WORDS, binary
from tiny_texts import from_seed

from lmcompare import laws
from lmcompare.errors import InputError
from lmcompare.interface import Tokenizer
from lmcompare.models.ngram.arpa import read_arpa
from lmcompare.models.ngram.arpa_writer import write_arpa
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.kenlm_adapter import KENLM, KenlmModel, KenlmOptions, open_kenlm
from lmcompare.models.ngram.model import NgramModel
from lmcompare.registry import Training, models
from lmcompare.text.tokenizers import TokenizerOptions, build
from lmcompare.text.tokenizers.word import WordTokenizer

LINES = [" ".join(words) for seed in (2, 5, 9) for words in from_seed(seed)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[NgramModel, KenlmModel]:
    """A model of ours and the same in the kenlm package."""
    tokenizer = build(TokenizerOptions(kind="word", max_size=14), LINES)
    model = train_ngram([tokenizer.encode_document(LINES)], tokenizer, NgramOptions(order=4))
    path = tmp_path_factory.mktemp("kenlm") / "model.arpa"
    write_arpa(model, path)
    return model, KenlmModel(path, tokenizer)


def job(path: Path, tokenizer: Tokenizer, vocabulary: Path | None = None) -> Training:
    options = KenlmOptions(path=path, vocabulary=vocabulary)
    return Training(options=options, tokenizer=tokenizer, train=[], valid=[], seed=1, folder=path.parent)


def test_the_registry_knows_the_family() -> None:
    assert models.get("kenlm") is KENLM


def test_every_law_holds(pair: tuple[NgramModel, KenlmModel]) -> None:
    model = pair[1]
    retrain = lambda: KENLM.train(job(model.path, model.tokenizer))  # noqa: E731
    results = laws.check(model, tolerance=1e-5, retrain=retrain)
    assert [(result.law, result.note) for result in results if not result.passed] == []


@pytest.mark.parametrize("kind", ["byte", "char"])
def test_every_law_holds_where_tokens_are_no_words(kind: str, tmp_path: Path) -> None:
    tokenizer = build(TokenizerOptions(kind=kind), LINES)
    ours = train_ngram([tokenizer.encode_document(LINES)], tokenizer, NgramOptions(order=3))
    write_arpa(ours, tmp_path / "model.arpa.xz")
    results = laws.check(KenlmModel(tmp_path / "model.arpa.xz", tokenizer), tolerance=1e-5)
    assert [(result.law, result.note) for result in results if result.passed is False] == []


def test_distributions_scores_and_sizes_are_those_of_our_own_tables(
    pair: tuple[NgramModel, KenlmModel],
) -> None:
    ours, theirs = pair
    text = ours.tokenizer.encode_document(LINES[:30])
    np.testing.assert_allclose(theirs.score([text])[0], ours.score([text])[0], rtol=0, atol=5e-6)
    contexts = [text[:k] for k in range(25)]
    a, b = theirs.next_logprobs(contexts), ours.next_logprobs(contexts)
    np.testing.assert_allclose(a, b, rtol=0, atol=5e-6)
    assert (theirs.context, theirs.parameters) == (ours.context, ours.parameters)
    np.testing.assert_array_equal(theirs.matched_order([text])[0], ours.matched_order([text])[0])


def test_a_file_of_lmplz_is_read_with_its_own_words_and_keeps_the_laws() -> None:
    path = present(REFERENCE / "tiny.4.fallback.arpa.gz")
    model, ours = open_kenlm(path), read_arpa(path)
    assert model.tokenizer.fingerprint == ours.tokenizer.fingerprint
    broken = [result.law for result in laws.check(model, tolerance=1e-4) if result.passed is False]
    assert broken == []
    for sentence in random_sentences(model.tokenizer, 40):
        text = model.tokenizer.encode_document([sentence])
        np.testing.assert_allclose(model.score([text])[0], ours.score([text])[0], rtol=0, atol=5e-6)


def test_ids_whose_words_the_file_does_not_have_share_the_unknown_words_probability(tmp_path: Path) -> None:
    (tmp_path / "small.arpa").write_text(SMALL)
    model = KenlmModel(tmp_path / "small.arpa", WordTokenizer(["a", "b", "c", "d"]))
    row = model.next_logprobs([np.zeros(0, int)])[0]
    unknown = (-0.3 - 1.0) * math.log(10)  # backs off from <s>
    np.testing.assert_allclose(row[[2, 5, 6]], unknown - math.log(3), atol=1e-5)
    assert row[3] == pytest.approx(-0.2 * math.log(10), abs=1e-5)
    np.testing.assert_allclose(model.score([np.array([5, 1])])[0][0], row[5])


def test_words_of_other_tools_are_found_though_they_look_like_escapes_or_hold_white_space(
    tmp_path: Path,
) -> None:
    words = ["\\alpha", "\\", "a\xa0b", "中\u3000文"]
    ones = ["-2\t<unk>", "-99\t<s>", "-1\t</s>", *(f"-0.{n}\t{word}" for n, word in enumerate(words, 2))]
    (tmp_path / "other.arpa").write_bytes(arpa_text(ones, ["-0.1\ta\xa0b </s>"]).encode())
    for tokenizer in (WordTokenizer(words), read_arpa(tmp_path / "other.arpa").tokenizer):
        found = KenlmModel(tmp_path / "other.arpa", tokenizer).next_logprobs([np.zeros(0, int)])[0]
        np.testing.assert_allclose(found[3:] / math.log(10), [-0.2, -0.3, -0.4, -0.5], atol=1e-6)


def test_training_reads_the_file_and_refuses_an_event_space_that_misses_much(
    pair: tuple[NgramModel, KenlmModel],
) -> None:
    ours, theirs = pair
    model = KENLM.train(job(theirs.path, ours.tokenizer))
    text = ours.tokenizer.encode_document(LINES[:9])
    np.testing.assert_array_equal(model.score([text])[0], theirs.score([text])[0])
    with pytest.raises(InputError, match=r"ids hold only \d+\.\d% of what the model predicts"):
        KENLM.train(job(theirs.path, WordTokenizer(["w0", "w1"])))


def test_training_refuses_numbers_that_are_no_probabilities() -> None:
    path = present(FOUND / "pyctcdecode_bugs_bunny.arpa")
    model = open_kenlm(path)
    with pytest.raises(InputError, match="probabilities of a sentence's first word sum to 2, not 1"):
        KENLM.train(job(path, model.tokenizer))


def test_a_vocabulary_file_gives_the_event_space(tmp_path: Path, pair: tuple[NgramModel, KenlmModel]) -> None:
    ours, theirs = pair
    words = [ours.tokenizer.token(index) for index in range(3, ours.tokenizer.size)]
    (tmp_path / "words.txt").write_text("\n".join(["<unk>", "<s>", "</s>", *words, words[0]]) + "\n")
    model = KENLM.train(job(theirs.path, WordTokenizer(["other"]), tmp_path / "words.txt"))
    assert model.tokenizer.fingerprint == ours.tokenizer.fingerprint
    with pytest.raises(InputError, match="the vocabulary cannot be read"):
        open_kenlm(theirs.path, tmp_path / "none.txt")


def test_a_saved_model_stands_without_the_file_it_was_read_from(
    tmp_path: Path, pair: tuple[NgramModel, KenlmModel]
) -> None:
    copy = tmp_path / "copy.arpa"
    copy.write_bytes(pair[1].path.read_bytes())
    model = KenlmModel(copy, pair[0].tokenizer)
    model.save(tmp_path / "model")
    copy.unlink()
    text = pair[0].tokenizer.encode_document(LINES[:9])
    np.testing.assert_array_equal(KENLM.load(tmp_path / "model").score([text])[0], model.score([text])[0])


def test_bos_inside_a_document_has_no_probability(pair: tuple[NgramModel, KenlmModel]) -> None:
    for model in pair:
        scores = model.score([np.array([3, model.tokenizer.bos, 3, model.tokenizer.eos])])[0]
        np.testing.assert_array_equal(np.isinf(scores), [False, True, False, False])


@pytest.mark.parametrize("wrong", [-1, 14])
def test_an_id_that_the_tokenizer_does_not_have_is_one_clear_sentence(
    wrong: int, pair: tuple[NgramModel, KenlmModel]
) -> None:
    model, ids = pair[1], np.array([3, wrong])
    for ask in (
        lambda: model.score([ids]),
        lambda: model.next_logprobs([ids]),
        lambda: model.step(ids[1:], model.start(1)[1]),
    ):
        with pytest.raises(InputError, match=f"there is no id {wrong}"):
            ask()


WRONG = {
    "cut.arpa": (SMALL[: SMALL.index("-0.7")].encode(), "End of file"),
    "empty.arpa": (b"", "End of file"),
    "words.arpa": (SMALL.replace("a b\t", "a x\t").encode(), "Word x was not seen in the unigrams"),
    "latin.arpa": (SMALL.encode().replace(b"a b\t", b"a \xe9\t"), "it is not UTF-8 text"),
    "long.arpa": (
        SMALL.replace("ngram 3=2", "ngram 3=2\n" + "\n".join(f"ngram {n}=1" for n in range(4, 9))).encode(),
        "This model has order 8 but KenLM was compiled to support up to",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_kenlm_cannot_read_is_one_clear_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(WRONG[name][0])
    with pytest.raises(InputError) as caught:
        KenlmModel(path, WordTokenizer(["a", "b"]))
    assert caught.value.what.startswith(f"KenLM cannot read the file: {WRONG[name][1]}")
    assert caught.value.where == str(path)
    assert "\n" not in str(caught.value) and ".cc" not in str(caught.value)


def test_a_missing_file_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        KENLM.train(job(tmp_path / "none.arpa", WordTokenizer(["a"])))


def test_a_binary_that_kenlm_cannot_read_is_one_clear_sentence(tmp_path: Path) -> None:
    path = binary(tmp_path / "model.bin", [6, 9], WORDS)
    with pytest.raises(InputError, match="model.bin: KenLM cannot read the file: .*size"):
        open_kenlm(path)
    path = binary(tmp_path / "other.bin", [6, 9], None)
    with pytest.raises(InputError, match="does not end with its words.* Name a file with one word a line"):
        open_kenlm(path)


def test_without_the_package_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(InputError, match="the kenlm package is not installed. Run: python -m pip install"):
        KenlmModel(tmp_path / "any.arpa", WordTokenizer(["a"]))
