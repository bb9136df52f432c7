import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from lmcompare.errors import InputError
from lmcompare.files import MANIFEST, shipped
from lmcompare.registry import Progress
from lmcompare.text.adding import add_corpus
from lmcompare.text.collection import data_path
from lmcompare.text.sources import open_corpus

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
HOST = "http://127.0.0.1:9"


def put(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def kept() -> list[str]:
    return sorted(path.name for path in data_path("toy").iterdir())


WHOLE = ["corpus.toml", MANIFEST, "test.txt", "train.txt", "valid.txt"]


def test_files_are_known_by_checksum_whatever_their_names_and_depth(toy: Any) -> None:
    toy.install_recipe()
    put(toy.folder, {f"deep/{n}/file{n}.dat": data for n, data in enumerate(toy.files.values())})
    told: list[Progress] = []
    folder = add_corpus("toy", toy.folder, told.append)
    assert {name: (folder / name).read_bytes() for name in toy.files} == toy.files
    assert kept() == WHOLE
    assert told[-1].done == told[-1].total == 3
    assert open_corpus("toy").sentences("test") == ["the cat sees a dog .", "a dog runs ."]


def test_a_published_archive_is_taken_by_its_checksum(toy: Any) -> None:
    toy.install_recipe(toy.archive(HOST))
    (toy.folder / "toy.zip").rename(toy.folder / "renamed by the browser (1).zip")
    with pytest.raises(InputError, match=r"not found here: train.txt .* or with toy.zip"):
        add_corpus("toy", toy.folder)
    (toy.folder / "renamed by the browser (1).zip").rename(toy.folder / "toy.zip")
    add_corpus("toy", toy.folder)
    assert kept() == WHOLE


def test_an_archive_with_a_known_size_needs_no_name(toy: Any) -> None:
    downloads = toy.archive(HOST)
    size = (toy.folder / "toy.zip").stat().st_size
    toy.install_recipe(downloads.replace("sha256", f"bytes = {size}\nsha256"))
    (toy.folder / "toy.zip").rename(toy.folder / "x")
    add_corpus("toy", toy.folder / "x")  # the file itself does as well as its folder
    assert kept() == WHOLE


def test_files_and_archive_may_complete_each_other(toy: Any) -> None:
    toy.install_recipe(toy.archive(HOST))
    put(toy.folder, {"the.test.txt": toy.files["test.txt"]})
    add_corpus("toy", toy.folder)
    assert kept() == WHOLE


def test_a_link_is_as_good_as_the_file_and_a_broken_one_is_passed_over(toy: Any, tmp_path: Path) -> None:
    toy.install_recipe()
    put(tmp_path / "elsewhere", toy.files)
    for name in toy.files:
        (toy.folder / name).symlink_to(tmp_path / "elsewhere" / name)
    (toy.folder / "a-broken.txt").symlink_to(tmp_path / "absent")
    (toy.folder / "loop").symlink_to(toy.folder)
    folder = add_corpus("toy", toy.folder)
    assert not any((folder / name).is_symlink() for name in toy.files)


def test_a_wrong_checksum_is_told_with_both_values_and_nothing_is_kept(toy: Any) -> None:
    toy.install_recipe()
    put(toy.folder, toy.files | {"test.txt": toy.files["test.txt"].replace(b"cat", b"rat")})
    with pytest.raises(InputError) as caught:
        add_corpus("toy", toy.folder)
    said = str(caught.value)
    assert said.startswith(f"{toy.folder}: test.txt is not the right file, wrong checksum: sha256 ")
    assert said.endswith("Get it anew; it comes from: the tests.")
    assert kept() == ["corpus.toml"]


def test_a_wrong_file_beside_the_right_one_does_no_harm(toy: Any) -> None:
    toy.install_recipe()
    put(toy.folder, toy.files | {"old/test.txt": b"x", "0.txt": toy.files["test.txt"][::-1]})
    add_corpus("toy", toy.folder)
    assert kept() == WHOLE


def test_what_is_missing_is_listed(toy: Any) -> None:
    toy.install_recipe()
    put(toy.folder, {"train.txt": toy.files["train.txt"]})
    with pytest.raises(InputError) as caught:
        add_corpus("toy", toy.folder)
    sizes = {name: len(data) for name, data in toy.files.items()}
    listed = f"valid.txt ({sizes['valid.txt']} bytes), test.txt ({sizes['test.txt']} bytes)"
    assert f"not found here: {listed}. Give a folder with these files." in str(caught.value)


def test_a_file_that_must_not_be_read_is_one_sentence(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.install_recipe()
    put(toy.folder, toy.files)

    def refuse(path: Path, kind: str) -> str:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("lmcompare.text.recipes._checksum", refuse)
    with pytest.raises(InputError, match="it cannot be read: Permission denied"):
        add_corpus("toy", toy.folder)


def test_without_a_checksum_only_the_archive_can_be_taken(toy: Any) -> None:
    toy.install_recipe(toy.archive(HOST), checked=False)
    (toy.folder / "toy.zip").unlink()
    put(toy.folder, toy.files)
    with pytest.raises(InputError, match=r"not found here: toy.zip. Give a folder with it."):
        add_corpus("toy", toy.folder)
    toy.archive(HOST)
    add_corpus("toy", toy.folder)
    assert kept() == WHOLE


def test_a_damaged_archive_leaves_nothing(toy: Any) -> None:
    downloads = toy.archive(HOST)
    toy.install_recipe(downloads)
    whole = (toy.folder / "toy.zip").read_bytes()
    (toy.folder / "toy.zip").write_bytes(whole[:-10])
    with pytest.raises(InputError, match="toy.zip is not the right file, wrong checksum"):
        add_corpus("toy", toy.folder)
    assert kept() == ["corpus.toml"]


def test_an_archive_whose_member_is_wrong_leaves_nothing(toy: Any) -> None:
    downloads = toy.archive(HOST).replace(
        '"toy-1/the.test.txt" = "test.txt"', '"toy-1/the.train.txt" = "test.txt"'
    )
    toy.install_recipe(downloads.replace('"toy-1/the.train.txt" = "train.txt"\n', ""))
    put(toy.folder, {"a": toy.files["train.txt"], "b": toy.files["valid.txt"]})
    with pytest.raises(
        InputError, match=r"toy.zip: .*the.train.txt (unpacks to more than|is not the right file)"
    ):
        add_corpus("toy", toy.folder)
    assert kept() == ["corpus.toml"]


def test_a_folder_with_a_recipe_of_its_own_adds_a_new_corpus_and_later_a_new_version(toy: Any) -> None:
    put(toy.folder, toy.files)
    (toy.folder / "corpus.toml").write_text(toy.recipe(checked=False))
    add_corpus("toy", toy.folder)
    assert kept() == WHOLE
    assert open_corpus("toy").title == "Toy"
    (toy.folder / "corpus.toml").write_text(toy.recipe(checked=False).replace("Toy", "Toy 2"))
    put(toy.folder, {"test.txt": b"another text\n"})
    add_corpus("toy", toy.folder)
    assert open_corpus("toy").title == "Toy 2"
    assert open_corpus("toy").sentences("test") == ["another text"]


def test_a_corpus_of_the_users_own_keeps_its_recipe_when_only_files_are_given(toy: Any) -> None:
    toy.install_recipe()
    put(toy.folder, toy.files)
    add_corpus("toy", toy.folder)
    add_corpus("toy", toy.folder)
    assert kept() == WHOLE


@pytest.mark.parametrize("name", ["../evil", "..", "a/b", "/tmp/evil", "", ".hidden", "a b", "a\nb"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, toy: Any, own_home: Path) -> None:
    put(toy.folder, toy.files)
    (toy.folder / "corpus.toml").write_text(toy.recipe(checked=False))
    with pytest.raises(InputError, match="cannot be the name of a corpus"):
        add_corpus(name, toy.folder)
    assert not own_home.exists()


def test_a_shipped_corpus_is_never_replaced_by_a_folders_own_recipe(toy: Any) -> None:
    put(toy.folder, toy.files)
    (toy.folder / "corpus.toml").write_text(toy.recipe(checked=False))
    with pytest.raises(InputError, match="not found here|not the right file"):
        add_corpus("tinyshakespeare", toy.folder)
    assert not data_path("tinyshakespeare").exists()


def test_what_cannot_be_added_says_why(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        add_corpus("wikitext-2", tmp_path / "absent")
    with pytest.raises(InputError, match="is made on this machine, there is nothing to add"):
        add_corpus("zh-daily", toy.folder)
    with pytest.raises(InputError, match=r"its path can stand where a name can\. Did you mean 'wikitext-2'"):
        add_corpus("wikitext2", toy.folder)


def test_packed_junk_and_odd_files_in_the_folder_are_passed_over(toy: Any) -> None:
    toy.install_recipe(toy.archive(HOST))
    put(toy.folder, {"a.zip": b"PK\x03\x04junk", "b.txt.gz": gzip.compress(b"x"), "c": b"", "d.txt": b"\xff"})
    os.mkfifo(toy.folder / "pipe")
    add_corpus("toy", toy.folder)
    assert kept() == WHOLE


@pytest.mark.parametrize(
    ("name", "folder", "words", "documents"),
    [
        # Events are the words and line ends that KenLM's `query` counts; documents are Merity's articles.
        ("wikitext-2", "wikitext-2", {"train": 2_088_628, "valid": 217_646, "test": 245_569}, (600, 60, 60)),
        ("en-ewt", "ud-multilingual", {"test": 26_817}, None),
        ("zh-gsd", "zh-ud-gsd", {"test": 12_512}, None),
    ],
)
def test_a_shipped_corpus_has_the_events_of_the_reference(
    name: str, folder: str, words: dict[str, int], documents: tuple[int, ...] | None, own_home: Path
) -> None:
    if not (DATA / folder).is_dir():
        pytest.skip("the shared data are not beside this checkout")
    add_corpus(name, DATA / folder)
    corpus = open_corpus(name)
    for split, number in words.items():
        sentences = corpus.sentences(split)
        assert sum(len(sentence.split()) + 1 for sentence in sentences) == number
    if documents:
        assert tuple(map(len, corpus.splits.values())) == documents


def test_wikitext_2_has_the_types_of_the_reference(own_home: Path) -> None:
    if not (DATA / "wikitext-2").is_dir():
        pytest.skip("the shared data are not beside this checkout")
    add_corpus("wikitext-2", DATA / "wikitext-2")
    train = open_corpus("wikitext-2").sentences("train")
    assert len({word for sentence in train for word in sentence.split()}) + 1 == 33_278


def test_tiny_shakespeare_loses_no_byte_and_is_split_as_in_published_code(own_home: Path) -> None:
    if not (DATA / "tinyshakespeare").is_dir():
        pytest.skip("the shared data are not beside this checkout")
    add_corpus("tinyshakespeare", DATA / "tinyshakespeare")
    corpus = open_corpus("tinyshakespeare")
    texts = ["".join(f"{line}\n" for line in corpus.sentences(split)) for split in ("train", "valid", "test")]
    whole = (DATA / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    assert "".join(texts) == whole
    assert abs(len(texts[0]) - 0.9 * len(whole)) < 500
    assert texts[0].endswith("\n\n") and texts[1].endswith("\n\n")


def test_no_shipped_recipe_is_changed_by_adding(toy: Any) -> None:
    before = (shipped("corpora") / "ptb" / "corpus.toml").read_bytes()
    with pytest.raises(InputError):
        add_corpus("ptb", toy.folder)
    assert (shipped("corpora") / "ptb" / "corpus.toml").read_bytes() == before
