import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmcompare.errors import InputError
from lmcompare.interface import Tokenizer
from lmcompare.text.corpus import SPLITS, Corpus, Document
from lmcompare.text.encoded import duplicates, encode_corpus
from lmcompare.text.tokenizers import TokenizerOptions, build

SENTENCE = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12)


def corpus(train: list[list[str]], valid: list[list[str]], test: list[list[str]]) -> Corpus:
    made = {
        split: [Document(f"{split}{n}", tuple(sentences)) for n, sentences in enumerate(documents)]
        for split, documents in zip(SPLITS, (train, valid, test), strict=True)
    }
    return Corpus("x", "X", "en", True, "MIT", made)


def words(number: int) -> tuple[Corpus, Tokenizer]:
    """A corpus with a vocabulary of `number` ids, the three specials included."""
    text = corpus([[f"w{n}" for n in range(number - 3)]], [["w0 w1"]], [["w1"]])
    return text, build(TokenizerOptions(kind="word"), text.sentences("train"))


@pytest.mark.parametrize(
    ("ids", "width"), [(256, np.uint8), (257, np.uint16), (65_536, np.uint16), (65_537, np.uint32)]
)
def test_ids_have_the_smallest_width_that_fits(ids: int, width: type, tmp_path: Path) -> None:
    text, tokenizer = words(ids)
    assert tokenizer.size == ids
    encoded = encode_corpus(text, tokenizer, cache=tmp_path)
    assert encoded.train.ids.dtype == width
    assert int(encoded.train.ids.max()) == ids - 1
    np.testing.assert_array_equal(encoded.train.ids[1::2], tokenizer.eos)


def test_a_large_split_is_memory_mapped_and_never_written(tmp_path: Path) -> None:
    text, tokenizer = words(5_000)
    ids = encode_corpus(text, tokenizer, cache=tmp_path).train.ids
    assert isinstance(ids, np.memmap) and not ids.flags.writeable


def test_each_document_is_its_sentences_each_closed_by_eos(tmp_path: Path) -> None:
    text = corpus([["a b", "", "c"], ["a"]], [["b"], []], [["x"]])
    tokenizer = build(TokenizerOptions(kind="word"), text.sentences("train"))
    encoded = encode_corpus(text, tokenizer, cache=tmp_path)
    a, b, c = (int(tokenizer.encode(word).ids[0]) for word in "abc")
    eos, unk = tokenizer.eos, tokenizer.unk
    assert [d.tolist() for d in encoded.train.documents] == [[a, b, eos, eos, c, eos], [a, eos]]
    assert [d.tolist() for d in encoded.valid.documents] == [[b, eos], []]
    assert [d.tolist() for d in encoded.test.documents] == [[unk, eos]]
    assert encoded.train.sentences == 4


def test_every_unit_counts_each_line_end_once(tmp_path: Path) -> None:
    text = corpus([["é ü", "", " x "], ["三 🙂"]], [["b"], []], [["x"]])
    train = encode_corpus(text, build(TokenizerOptions(kind="byte"), []), cache=tmp_path).train
    assert train.sentence_words.tolist() == [3, 1, 2, 3]
    assert train.sentence_characters.tolist() == [4, 1, 4, 4]
    assert train.sentence_bytes.tolist() == [6, 1, 4, 9]
    assert train.words.tolist() == [6, 3]
    assert train.characters.tolist() == [9, 4]
    assert train.bytes.tolist() == [11, 9]


@given(st.lists(st.lists(SENTENCE, max_size=4), min_size=1, max_size=5))
@settings(deadline=None, max_examples=8)
def test_sizes_and_starts_are_those_of_the_text(documents: list[list[str]]) -> None:
    text = corpus(documents, [["v"]], [["t"]])
    with tempfile.TemporaryDirectory() as cache:
        train = encode_corpus(text, build(TokenizerOptions(kind="byte"), []), cache=Path(cache)).train
        found = [document.tolist() for document in train.documents]
        sizes = train.bytes.tolist(), train.characters.tolist(), train.words.tolist()
        starts = train.sentence_starts.tolist()
    assert list(map(len, found)) == sizes[0]
    assert sizes[0] == [len("".join(f"{s}\n" for s in d).encode()) for d in documents]
    assert sizes[1] == [len("".join(f"{s}\n" for s in d)) for d in documents]
    assert sizes[2] == [sum(len(s.split()) + 1 for s in d) for d in documents]
    assert starts == np.cumsum([0, *map(len, documents)]).tolist()


class Counting:
    """A tokenizer that counts how often it is asked."""

    def __init__(self, inner: Tokenizer) -> None:
        self.inner, self.calls = inner, 0

    def __getattr__(self, name: str) -> object:
        if name == "encode_document":
            self.calls += 1
        return getattr(self.inner, name)


def toy() -> tuple[Corpus, Counting]:
    text = corpus([["a b", "c"], ["a"]], [["b"]], [["c a"]])
    return text, Counting(build(TokenizerOptions(kind="word"), text.sentences("train")))


def test_the_same_text_in_the_same_tokens_is_encoded_once(tmp_path: Path) -> None:
    text, tokenizer = toy()
    first = encode_corpus(text, tokenizer, cache=tmp_path)  # type: ignore[arg-type]
    calls = tokenizer.calls
    assert calls > 0
    again = corpus([["a b", "c"], ["a"]], [["b"]], [["c a"]])
    second = encode_corpus(again, tokenizer, cache=tmp_path)  # type: ignore[arg-type]
    assert tokenizer.calls == calls
    np.testing.assert_array_equal(first.train.ids, second.train.ids)
    assert len(list(tmp_path.iterdir())) == 1


def test_other_text_or_another_tokenizer_is_another_entry(tmp_path: Path) -> None:
    text, tokenizer = toy()
    encode_corpus(text, tokenizer.inner, cache=tmp_path)
    moved = corpus([["a b"], ["c", "a"]], [["b"]], [["c a"]])
    assert [d.tolist() for d in encode_corpus(moved, tokenizer.inner, cache=tmp_path).train.documents] != [
        d.tolist() for d in encode_corpus(text, tokenizer.inner, cache=tmp_path).train.documents
    ]
    encode_corpus(text, build(TokenizerOptions(kind="char"), text.sentences("train")), cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("harm", ["truncate", "change", "remove", "manifest", "file in the way"])
def test_a_damaged_entry_is_written_anew(harm: str, tmp_path: Path) -> None:
    text, tokenizer = toy()
    expected = encode_corpus(text, tokenizer.inner, cache=tmp_path).test.ids.tolist()
    folder = next(tmp_path.iterdir())
    path = folder / "test.ids.npy"
    data = path.read_bytes()
    if harm == "truncate":
        path.write_bytes(data[:-1])
    elif harm == "change":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif harm == "remove":
        path.unlink()
    elif harm == "manifest":
        (folder / "manifest.json").write_text("junk")
    else:
        (folder / "surplus").mkdir()
        (folder / "surplus" / "x").write_text("x")
        path.unlink()
    assert encode_corpus(text, tokenizer.inner, cache=tmp_path).test.ids.tolist() == expected
    assert [each.name for each in tmp_path.iterdir()] == [folder.name]
    calls = tokenizer.calls
    encode_corpus(text, tokenizer, cache=tmp_path)  # type: ignore[arg-type]
    assert tokenizer.calls == calls


def test_a_full_disk_leaves_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, tokenizer = toy()

    def full(path: Path, *args: object, **kwargs: object) -> None:
        path.write_bytes(b"the first bytes")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np, "save", full)
        with pytest.raises(InputError, match="cannot write: No space left on device. Free some space"):
            encode_corpus(text, tokenizer.inner, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []
    encode_corpus(text, tokenizer.inner, cache=tmp_path)


def test_what_a_killed_process_left_is_cleared_away_and_what_is_in_work_is_not(tmp_path: Path) -> None:
    text, tokenizer = toy()
    encode_corpus(text, tokenizer.inner, cache=tmp_path)
    key = next(tmp_path.iterdir()).name
    shutil.rmtree(tmp_path / key)
    for name, age in {"1": 7 * 3600, "2": 60}.items():
        (tmp_path / f".tmp-{key}-{name}").mkdir()
        then = time.time() - age
        os.utime(tmp_path / f".tmp-{key}-{name}", (then, then))
    encode_corpus(text, tokenizer.inner, cache=tmp_path)
    assert sorted(folder.name for folder in tmp_path.iterdir()) == [f".tmp-{key}-2", key]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_an_array_that_was_written_in_part_leaves_no_entry(tmp_path: Path) -> None:
    code = """
        import resource, sys
        from pathlib import Path
        from lmcompare.errors import InputError
        from lmcompare.text.corpus import Corpus, Document
        from lmcompare.text.encoded import encode_corpus
        from lmcompare.text.tokenizers import TokenizerOptions, build
        long = [Document("d", ("x" * 100_000,))]
        corpus = Corpus("x", "X", "en", True, "MIT", {"train": long, "valid": long, "test": long})
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            encode_corpus(corpus, build(TokenizerOptions(kind="byte"), []), cache=Path(sys.argv[1]))
        except InputError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "cannot write" in answer.stdout and "Free some space" in answer.stdout
    assert list(tmp_path.iterdir()) == []


def _encode(cache: Path, go: object) -> None:
    text, tokenizer = toy()
    go.wait()  # type: ignore[attr-defined]
    encoded = encode_corpus(text, tokenizer.inner, cache=cache)
    assert encoded.train.ids.tolist() == encode_corpus(text, tokenizer.inner).train.ids.tolist()


def test_processes_that_encode_the_same_at_once_do_not_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMCOMPARE_HOME", str(tmp_path / "home"))
    cache = tmp_path / "cache"
    context = multiprocessing.get_context("fork")
    go = context.Barrier(4)
    processes = [context.Process(target=_encode, args=(cache, go)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(list(cache.iterdir())) == 1


def test_duplicates_are_whole_sentences_that_stand_in_train_and_each_occurrence_counts() -> None:
    text = corpus(
        [["a b", "c"], ["", " "]],
        [["a b", "a", "a  b", "A b"], ["c"]],
        [["c", "c", "a b c", "", "  ", "\t"]],
    )
    assert duplicates(text) == {"valid": 2, "test": 2}


@pytest.mark.parametrize("kind", ["byte", "char", "word", "bpe"])
@pytest.mark.parametrize("bad", ["a\nb", "half \ud800"])
def test_what_is_no_line_of_text_is_refused_and_leaves_no_entry(bad: str, kind: str, tmp_path: Path) -> None:
    text = corpus([["a"]], [["b"]], [[bad]])
    with pytest.raises(InputError, match="line end|half of a surrogate"):
        encode_corpus(text, build(TokenizerOptions(kind=kind), ["a"]), cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    text, tokenizer = toy()
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write"):
        encode_corpus(text, tokenizer.inner, cache=tmp_path / "file")
