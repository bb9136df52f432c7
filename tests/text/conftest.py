"""Recipes of a toy corpus and its files, as a user or a server has them."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from lmcompare.files import home

TOY = {
    "train.txt": b"the cat sees a dog .\nthe dog sees a cat .\n" * 20,
    "valid.txt": b"a cat sees the dog .\n" * 5,
    "test.txt": b"the cat sees a dog .\na dog runs .\n",
}


class Toy:
    """A corpus "toy" whose recipe stands in the user's own corpora."""

    files = TOY

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def recipe(self, downloads: str = "", *, checked: bool = True) -> str:
        """The recipe's text, with the checksums of the files or without."""
        parts = ['title = "Toy"\nlanguage = "en"\nwords = true\nlicence = "MIT"\norigin = "the tests"\n']
        for name, data in TOY.items():
            parts.append(f'[[files]]\nname = "{name}"\nsplit = "{name[:-4]}"\n')
            if checked:
                parts.append(f'bytes = {len(data)}\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n')
        return "".join(parts) + downloads

    def install_recipe(self, downloads: str = "", *, checked: bool = True) -> None:
        """Put the recipe where the user's own stand."""
        path = home() / "corpora" / "toy" / "corpus.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.recipe(downloads, checked=checked))

    def archive(self, url: str, *, known: bool = True) -> str:
        """The download of all files in one archive, for a recipe; the archive is `toy.zip` in the folder."""
        path = self.folder / "toy.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in TOY.items():
                archive.writestr(f"toy-1/the.{name}", data)
        members = "\n".join(f'"toy-1/the.{name}" = "{name}"' for name in TOY)
        sha = f'sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"\n' if known else ""
        return f'[[downloads]]\nurls = ["{url}/toy.zip"]\n{sha}[downloads.members]\n{members}\n'


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `files.home()` of the test's own."""
    monkeypatch.setenv("LMCOMPARE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def toy(tmp_path: Path, own_home: Path) -> Toy:
    """The toy corpus; its folder is where the user has files."""
    return Toy(tmp_path / "mine")
