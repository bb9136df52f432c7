import shutil
from pathlib import Path
from typing import Any

import pytest

from lmcompare.errors import InputError
from lmcompare.files import MANIFEST
from lmcompare.text.adding import add_corpus
from lmcompare.text.collection import data_folder, data_path, how_to_get, list_corpora
from lmcompare.text.recipes import find_recipe


def test_the_list_says_what_is_here_and_how_to_get_what_is_not(own_home: Path) -> None:
    found = {status.name: status for status in list_corpora()}
    assert list(found) == sorted(found)
    assert found["zh-daily"].available and found["python-docs"].available
    assert not found["zh-daily"].ways
    assert found["wikitext-2"].ways == ("fetch", "add") and not found["wikitext-2"].available
    assert found["zh-python-docs"].ways == ("add",)
    assert found["ptb"].licence == "LDC user agreement" and found["ptb"].language == "en"


def test_a_faulty_recipe_of_the_users_own_does_not_hide_the_others(own_home: Path) -> None:
    (own_home / "corpora" / "bad").mkdir(parents=True)
    (own_home / "corpora" / "bad" / "corpus.toml").write_text("title = 3")
    found = {status.name: status for status in list_corpora()}
    assert not found["bad"].available and "corpus.toml" in found["bad"].title
    assert found["zh-daily"].available


def test_what_to_type_names_the_corpus(own_home: Path) -> None:
    assert how_to_get("ptb", find_recipe("ptb")) == (
        "`lmcompare corpus fetch ptb` or `lmcompare corpus add ptb --from DIR`"
    )


def test_an_absent_text_says_how_to_get_it(own_home: Path) -> None:
    with pytest.raises(InputError, match="not on this machine. Type `lmcompare corpus fetch ptb` or"):
        data_folder("ptb", find_recipe("ptb"))


@pytest.mark.parametrize("harm", ["change", "truncate", "remove", "manifest"])
def test_a_damaged_text_is_never_read(harm: str, toy: Any) -> None:
    toy.install_recipe()
    for name, data in toy.files.items():
        (toy.folder / name).write_bytes(data)
    folder = add_corpus("toy", toy.folder)
    assert data_folder("toy", find_recipe("toy")) == folder == data_path("toy")
    path = folder / "test.txt"
    if harm == "change":
        path.write_bytes(path.read_bytes().replace(b"cat", b"rat"))
    elif harm == "truncate":
        path.write_bytes(path.read_bytes()[:-1])
    elif harm == "remove":
        path.unlink()
    else:
        (folder / MANIFEST).write_text("{}")
    with pytest.raises(InputError) as caught:
        data_folder("toy", find_recipe("toy"))
    said = str(caught.value)
    assert ("manifest" if harm == "manifest" else "test.txt") in said
    assert "lmcompare corpus add toy --from DIR" in said
    add_corpus("toy", toy.folder)
    assert data_folder("toy", find_recipe("toy")) == folder


def test_a_full_disk_leaves_nothing_half_written(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.install_recipe()
    for name, data in toy.files.items():
        (toy.folder / name).write_bytes(data)

    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"the first bytes")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", full)
        with pytest.raises(InputError, match="cannot write: No space left on device. Free some space"):
            add_corpus("toy", toy.folder)
    assert [path.name for path in data_path("toy").parent.iterdir()] == ["toy"]
    assert [path.name for path in data_path("toy").iterdir()] == ["corpus.toml"]
    add_corpus("toy", toy.folder)
    assert data_folder("toy", find_recipe("toy")) == data_path("toy")
