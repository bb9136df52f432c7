import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pydantic import ValidationError

from lmcompare.errors import InputError
from lmcompare.text.adding import add_corpus
from lmcompare.text.corpus import SPLITS, Corpus
from lmcompare.text.options import CorpusOptions
from lmcompare.text.sources import open_corpus, open_whole

pytestmark = pytest.mark.usefixtures("own_home")


def text(documents: int, name: str = "") -> str:
    return "\n".join(f"{name}document {n} line one\nline two of {n}\n" for n in range(documents))


def whole(corpus: Corpus) -> list[str]:
    return sorted(line for split in SPLITS for line in corpus.sentences(split))


def lines(content: str) -> list[str]:
    return sorted(line for line in content.split("\n") if line)


def test_one_text_file_is_cut_and_split_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text(text(300))
    corpus = open_corpus(str(tmp_path / "mine.txt"))
    assert corpus.name == "mine" and corpus.by_document
    assert whole(corpus) == lines(text(300))
    assert all(corpus.splits[split] for split in SPLITS)
    assert corpus.facts == {"splits": "80/10/10 by hash of the document's text"}


def test_a_whole_text_holds_nothing_out_and_one_line_will_do(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text(text(300))
    corpus = open_whole(str(tmp_path / "mine.txt"))
    assert corpus.sentences("train") == [line for line in text(300).split("\n") if line]
    (tmp_path / "mine.txt").write_text("one line\n")
    assert open_whole("mine.txt", base=tmp_path).sentences("train") == ["one line"]
    (tmp_path / "mine.txt").write_text("\n \n")
    with pytest.raises(InputError, match="there is no sentence in the text"):
        open_whole("mine.txt", base=tmp_path)
    for name in ("train.txt", "valid.txt", "test.txt"):
        (tmp_path / name).write_text(f"a line of {name}\n")
    found = open_whole(str(tmp_path))
    assert sorted(found.sentences("train")) == [f"a line of {n}.txt" for n in ("test", "train", "valid")]
    assert found.splits["valid"] == found.splits["test"] == []


@pytest.mark.parametrize(
    "name", ["a.txt", "a.txt.gz", "a.txt.zst", "a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.md"]
)
def test_every_kind_of_file_is_read(name: str, tmp_path: Path) -> None:
    content = text(100)
    if ".jsonl" in name:
        parts = content.split("\n\n")
        content = "\n".join(json.dumps({"text": part, "n": n}) for n, part in enumerate(parts)) + "\n"
    data = content.encode()
    packers = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
    (tmp_path / name).write_bytes(packers.get(Path(name).suffix, bytes)(data))
    corpus = open_corpus(name, base=tmp_path)
    assert whole(corpus) == lines(text(100))


def test_a_record_is_a_document_and_its_field_can_be_named(tmp_path: Path) -> None:
    records = [{"body": f"one {n}\ntwo {n}"} for n in range(50)] + [{"body": ""}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    corpus = open_corpus(CorpusOptions(path="a.jsonl", field="body"), base=tmp_path)
    found = [document.sentences for split in SPLITS for document in corpus.splits[split]]
    assert sorted(found) == sorted((f"one {n}", f"two {n}") for n in range(50))
    with pytest.raises(InputError, match="Set `field` to one of: body"):
        open_corpus("a.jsonl", base=tmp_path)
    with pytest.raises(InputError, match="a record of a .jsonl file is a document"):
        open_corpus(CorpusOptions(path="a.jsonl", documents="line"), base=tmp_path)


def test_a_folder_of_files_has_a_document_a_file_and_splits_by_name(tmp_path: Path) -> None:
    for n in range(40):
        (tmp_path / f"deep{n % 3}").mkdir(exist_ok=True)
        (tmp_path / f"deep{n % 3}" / f"{n}.txt").write_text(f"text {n}\n\nmore {n}\n")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    corpus = open_corpus(str(tmp_path))
    names = {document.name: split for split in SPLITS for document in corpus.splits[split]}
    assert len(names) == 40 and "deep0/0.txt" in names
    assert "name" in str(corpus.facts["splits"])
    (tmp_path / "deep0" / "0.txt").write_text("edited\n")
    again = open_corpus(str(tmp_path))
    assert {d.name: split for split in SPLITS for d in again.splits[split]} == names


@pytest.mark.parametrize("valid", ["valid", "validation", "dev", "val"])
def test_a_folder_with_the_three_splits_is_taken_as_it_is(valid: str, tmp_path: Path) -> None:
    for name in ("train", valid, "test"):
        (tmp_path / f"{name}.txt").write_text(text(5, name))
    (tmp_path / "README.txt").write_text("not text of the corpus\n")
    corpus = open_corpus(str(tmp_path))
    assert sorted(corpus.sentences("valid")) == lines(text(5, valid))
    assert sorted(corpus.sentences("train")) == lines(text(5, "train"))
    assert corpus.facts["splits"] == "separate files"


def test_three_paths_are_the_three_splits(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(text(3, name))
    corpus = open_corpus(CorpusOptions(train="a.txt", valid="b.txt", test="c.txt"), base=tmp_path)
    assert sorted(corpus.sentences("test")) == lines(text(3, "c"))


def test_a_folder_with_two_files_for_one_split_or_none_for_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(text(5))
    (tmp_path / "test.txt").write_text(text(5))
    with pytest.raises(InputError, match="there is train.txt but no valid file"):
        open_corpus(str(tmp_path))
    (tmp_path / "dev.txt").write_text(text(5))
    (tmp_path / "valid.txt").write_text(text(5))
    with pytest.raises(InputError, match="dev.txt and valid.txt are both the split valid"):
        open_corpus(str(tmp_path))


def test_a_stream_is_split_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"{n:04}\n" for n in range(1000)))
    options = CorpusOptions(path="a.txt", split="stream", shares=(90, 5, 5), documents="file")
    corpus = open_corpus(options, base=tmp_path)
    assert [len(corpus.sentences(split)) for split in SPLITS] == [900, 50, 50]
    assert [line for split in SPLITS for line in corpus.sentences(split)] == [f"{n:04}" for n in range(1000)]
    assert corpus.facts["splits"] == "90/5/5 of the stream, in order"


def test_text8s_one_line_and_enwik8s_pages_are_read_as_their_recipes_say(tmp_path: Path) -> None:
    words = " ".join(f"word{n % 97}" for n in range(20_000))
    (tmp_path / "text8").write_text(words)
    options = CorpusOptions(path="text8", documents="file", wrap=1000, split="stream", shares=(90, 5, 5))
    corpus = open_corpus(options, base=tmp_path)
    assert " ".join(line for split in SPLITS for line in corpus.sentences(split)) == words
    assert abs(sum(len(line) + 1 for line in corpus.sentences("train")) - 0.9 * len(words)) < 1000

    page = "  <page>\n    <title>T</title>\n\n    <text>x</text>\n  </page>\n"
    (tmp_path / "enwik8").write_text("<mediawiki>\n" + page * 100)
    options = CorpusOptions(
        path="enwik8", documents="^  <page>$", keep_blank=True, split="stream", shares=(90, 5, 5)
    )
    corpus = open_corpus(options, base=tmp_path)
    assert "".join(f"{line}\n" for split in SPLITS for line in corpus.sentences(split)) == (
        "<mediawiki>\n" + page * 100
    )
    assert len(corpus.splits["train"]) == 91  # what stands before the first page, and 90 pages


def test_a_name_goes_before_a_path_and_what_looks_like_a_path_is_one(tmp_path: Path) -> None:
    (tmp_path / "zh-daily").write_text(text(300))
    assert open_corpus("zh-daily", base=tmp_path).language == "zh"
    assert open_corpus("./zh-daily", base=tmp_path).language == "und"
    (tmp_path / "plain").write_text(text(300))
    assert open_corpus("plain", base=tmp_path).name == "plain"


def test_options_overrule_a_recipe(toy: Any) -> None:
    toy.install_recipe()
    for name, data in toy.files.items():
        (toy.folder / name).write_bytes(data)
    add_corpus("toy", toy.folder)
    assert open_corpus("toy").facts["splits"] == "as published"
    assert len(open_corpus("toy").splits["train"]) == 40
    assert sorted(open_whole("toy").sentences("train")) == whole(open_corpus("toy"))
    corpus = open_corpus(CorpusOptions(name="toy", documents="file", title="Mine", language="de"))
    assert (len(corpus.splits["train"]), corpus.title, corpus.language) == (1, "Mine", "de")


@pytest.mark.parametrize(
    ("language", "words"), [("en", True), ("zh", False), ("zh-Hant", False), ("ja", False), ("zhx", True)]
)
def test_words_are_parted_by_spaces_unless_the_language_or_the_user_says_no(
    language: str, words: bool, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(text(300))
    assert open_corpus(CorpusOptions(path="a.txt", language=language), base=tmp_path).words is words
    assert open_corpus(CorpusOptions(path="a.txt", language=language, words=True), base=tmp_path).words


def test_single_lines_are_no_documents_that_could_be_resampled(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(text(300))
    assert not open_corpus(CorpusOptions(path="a.txt", documents="line"), base=tmp_path).by_document


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent.txt", "there is no such file or folder. Did you mean 'absent2.txt'?"),
        ("absent/absent.txt", "there is no such file or folder. Correct the path."),
        ("./", "there is no text file in the folder. Give a folder with files of type .txt, "),
        ("a.zip", "files of type .zip are not read"),
        ("a.parquet", "files of type .parquet are not read"),
        ("wikitext-3", "there is no corpus 'wikitext-3'. Did you mean 'wikitext-103' or 'wikitext-2'?"),
        ("wikitext-2", "is not on this machine"),
    ],
)
def test_what_cannot_be_opened_is_named_with_a_remedy(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    base = tmp_path / "folder"
    if name != "./":
        (base / "absent2.txt").touch()
        (base / "a.zip").touch()
        (base / "a.parquet").touch()
    with pytest.raises(InputError) as caught:
        open_corpus(name, base=base)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n \n\t\n", "0 document"),
        (b"one\ntwo\n", "2 document"),
        (b"one line and no more", "1 document"),
        (b"good\n\xff\n", "line 2: byte 5 (0xFF) is not UTF-8"),
        (b"nul\0\n", "line 1: byte 3 (0x00)"),
    ],
)
def test_too_little_text_or_no_text_is_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_corpus("a.txt", base=tmp_path)
    assert said in str(caught.value)


def test_a_split_of_blank_lines_alone_is_named(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.txt").write_text(text(3) if name != "valid" else " \n\n")
    with pytest.raises(InputError, match="the split valid has no sentence"):
        open_corpus(str(tmp_path))


def test_a_linked_folder_and_a_linked_file_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text(text(300))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "a.txt")
    assert open_corpus("link/a.txt", base=tmp_path).hash == open_corpus("link.txt", base=tmp_path).hash
    assert open_corpus("./link", base=tmp_path).hash == open_corpus("link.txt", base=tmp_path).hash


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"name": "a", "path": "b"},
        {"train": "a"},
        {"path": "a", "train": "a", "valid": "b", "test": "c"},
        {"path": "a", "colour": 1},
        {"path": "a", "documents": "("},
        {"path": "a", "wrap": 3},
        {"path": "a", "shares": [1, 2]},
        {"path": "a", "shares": [0, 1, 1]},
        {"path": "a", "split": "random"},
    ],
)
def test_a_faulty_table_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CorpusOptions.model_validate(table)
