import hashlib
from pathlib import Path

import pytest

from lmcompare.errors import InputError
from lmcompare.files import home, shipped
from lmcompare.text.recipes import Checked, find_recipe, read_recipe, recipe_folder, recipe_names

SYNTHETIC = ("markov", "hidden", "agreement", "brackets", "copying", "recall", "synthetic")
WANTED = {
    "ptb",
    "wikitext-2",
    "wikitext-103",
    "text8",
    "enwik8",
    "tinyshakespeare",
    "python-docs",
    "zh-daily",
    "zh-python-docs",
    "en-ewt",
    "zh-gsd",
    *(f"{name}-{lang}" for name in SYNTHETIC for lang in ("en", "zh")),
}
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
HEAD = 'title = "T"\nlanguage = "en"\nwords = true\nlicence = "MIT"\norigin = "me"\n'
FILE = '[[files]]\nname = "a.txt"\n'
BARE = "0" * 64


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMCOMPARE_HOME", str(tmp_path / "home"))


def write(text: str, name: str = "mine") -> Path:
    folder = home() / "corpora" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.toml").write_text(text, encoding="utf-8")
    return folder / "corpus.toml"


def test_all_the_corpora_that_were_promised_are_there() -> None:
    assert WANTED <= set(recipe_names())


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_shipped_recipe_says_all_that_a_reader_of_results_needs(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.title and recipe.language and recipe.licence and recipe.origin and recipe.notes
    assert recipe.words is not None
    for file in recipe.files:
        archive = [load for load in recipe.downloads if file.name in load.members.values()]
        assert file.known or all(load.known for load in archive) and archive, "nothing tells the right file"
    for load in recipe.downloads:
        targets = [file for file in recipe.files if file.name in load.targets]
        assert load.known or all(file.known for file in targets)


@pytest.mark.parametrize("name", sorted(WANTED))
def test_only_recipes_and_grammars_are_shipped_and_no_text_of_others(name: str) -> None:
    files = {path.name for path in (shipped("corpora") / name).iterdir()}
    assert files <= {"corpus.toml", "grammar.toml", "source.toml"}


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("wikitext-2", "wikitext-2"),
        ("zh-python-docs", "zh-python-docs"),
        ("tinyshakespeare", "tinyshakespeare"),
        ("en-ewt", "ud-multilingual"),
        ("zh-gsd", "zh-ud-gsd"),
    ],
)
def test_checksums_are_those_of_the_files_themselves(name: str, folder: str) -> None:
    if not (DATA / folder).is_dir():
        pytest.skip("the shared data are not beside this checkout")
    files = [path for path in (DATA / folder).iterdir() if path.suffix == ".txt"]
    for file in find_recipe(name).files:
        assert [path for path in files if not file.fault(path)], file.name


def test_a_wrong_size_or_checksum_is_told_with_both_values(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    sums = {kind: hashlib.new(kind, b"abc").hexdigest() for kind in ("md5", "sha1", "sha256")}
    assert Checked(bytes=3, **sums).fault(path) == ""
    assert Checked(bytes=4, **sums).fault(path) == "it has 3 bytes, 4 are expected"
    for kind, value in sums.items():
        wrong = value[::-1]
        fault = Checked(**(sums | {kind: wrong})).fault(path)
        assert fault == f"wrong checksum: {kind} {wrong} is expected, {value} was found"


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="there is no corpus 'wikitext2'. Did you mean 'wikitext-2'"):
        find_recipe("wikitext2")
    with pytest.raises(InputError, match="There are agreement-en, .*, en-ewt, enwik8"):
        find_recipe("zzzzzz")


def test_a_recipe_of_the_users_own_is_found_and_a_shipped_one_goes_before_it() -> None:
    write(HEAD + FILE)
    write(HEAD + FILE, name="wikitext-2")
    write(HEAD + FILE, name=".tmp-half")
    assert "mine" in recipe_names() and ".tmp-half" not in recipe_names()
    assert find_recipe("mine").title == "T"
    assert recipe_folder("mine") == home() / "corpora" / "mine"
    assert find_recipe("wikitext-2").title != "T"
    assert recipe_folder("wikitext-2") == shipped("corpora") / "wikitext-2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "not a recipe: Invalid value"),
        ("\x00", "not a recipe"),
        ("x = " + "[" * 5000, "not a recipe"),
        (HEAD, "files are needed"),
        (HEAD + 'source = "python-docs"\n' + FILE, "files are needed"),
        (HEAD.replace('licence = "MIT"', "") + FILE, "a recipe must give licence"),
        (HEAD.replace('origin = "me"', "") + FILE, "origin: Field required"),
        (HEAD + "colour = 3\n" + FILE, "colour: Extra inputs"),
        (HEAD + FILE + FILE, "two files have one name"),
        (HEAD + FILE.replace("a.txt", "manifest.json"), "one is called"),
        (HEAD + FILE.replace("a.txt", "corpus.toml"), "one is called"),
        (HEAD + FILE.replace("a.txt", "../a.txt"), "files.0.name"),
        (HEAD + FILE.replace("a.txt", "/etc/passwd"), "files.0.name"),
        (HEAD + FILE.replace("a.txt", ".."), "files.0.name"),
        (HEAD + FILE + 'split = "train"\n', "each split has one"),
        (HEAD + FILE + 'sha256 = "abc"\n', "files.0.sha256"),
        (HEAD + FILE + "bytes = 0\n", "files.0.bytes"),
        (HEAD + FILE + '[[downloads]]\nurls = ["file:///etc/passwd"]\nfile = "a.txt"\n', "downloads.0.urls"),
        (HEAD + FILE + '[[downloads]]\nurls = []\nfile = "a.txt"\n', "downloads.0.urls"),
        (HEAD + FILE + '[[downloads]]\nurls = ["http://h/x"]\n', "give either file or members"),
        (HEAD + FILE + '[[downloads]]\nurls = ["http://h/x"]\nfile = "b.txt"\n', "not listed: b.txt"),
        (HEAD + "shares = [80, 20, 0]\n" + FILE, "shares"),
        (HEAD + "shares = [80, nan, 10]\n" + FILE, "shares"),
        (HEAD + "shares = [inf, 1, 1]\n" + FILE, "shares"),
        (HEAD + 'documents = "("\n' + FILE, "documents"),
    ],
)
def test_a_faulty_recipe_is_named_with_the_place_of_the_fault(text: str, said: str) -> None:
    path = write(text)
    with pytest.raises(InputError) as caught:
        read_recipe(path)
    assert said in str(caught.value) and str(path) in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputError, match=r"(?s)colour.*shares|shares.*colour"):
        read_recipe(write(HEAD + "colour = 3\nshares = [0, 1, 1]\n" + FILE))
