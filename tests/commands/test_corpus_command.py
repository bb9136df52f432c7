from pathlib import Path

import pytest
from click.testing import CliRunner

from lmcompare.__main__ import cli, main

TEXT = "\n".join(f"the cat [bold] {n} sees a dog .\nand line two of {n} .\n" for n in range(200))


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMCOMPARE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")


def run(*words: str) -> str:
    result = CliRunner().invoke(cli, ["corpus", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["corpus", *words])
    said = capsys.readouterr().err
    assert caught.value.code == 2 and "Traceback" not in said
    assert said.startswith("lmcompare: ") and said.count("\n") == 1
    return said


def test_the_list_fits_80_columns_and_says_what_is_here() -> None:
    lines = run("list").splitlines()
    assert max(map(len, lines)) <= 80
    rows = {line.split()[0]: line for line in lines if line.strip()}
    assert "is here" in rows["zh-daily"] and "is here" in rows["python-docs"]
    assert "fetch or add" in rows["wikitext-2"]
    assert "add" in rows["zh-python-docs"] and "fetch" not in rows["zh-python-docs"]


def test_a_corpus_shows_its_sizes_its_exact_entropy_and_what_is_also_in_train() -> None:
    said = run("show", "zh-daily", "--sentences", "2")
    assert "entropy bits per token " in said and "0.9965" in said
    assert "12,000" in said and "in train too" in said and "757" in said
    assert said.count("。") + said.count("？") >= 6
    assert "Its entropy is exact" in said


def test_a_users_own_file_shows_as_it_is_marks_and_all(tmp_path: Path) -> None:
    (tmp_path / "my [red]text.txt").write_text(TEXT)
    said = run("show", str(tmp_path / "my [red]text.txt"))
    assert "my [red]text · und · unknown" in said
    assert "the cat [bold]" in said
    sizes = [
        int(line.split()[2])
        for line in said.splitlines()
        if line.strip().startswith(("train ", "valid ", "test "))
    ]
    assert sum(sizes) == 400


def test_long_sentences_are_cut_to_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 400 + "\n" + TEXT)
    lines = run("show", str(tmp_path / "a.txt"), "--sentences", "400").splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.endswith("…") for line in lines)


def test_what_is_given_is_verified_and_then_shown(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    parts = [
        'title = "Mine"\nlanguage = "en"\nwords = true\nlicence = "CC0"\norigin = "me"\nnotes = ["A note."]\n'
    ]
    for split in ("train", "valid", "test"):
        (folder / f"{split}.txt").write_text(TEXT + f"of {split}\n")
        parts.append(f'[[files]]\nname = "{split}.txt"\nsplit = "{split}"\n')
    (folder / "corpus.toml").write_text("".join(parts))
    said = run("add", "mine", "--from", str(folder))
    assert "mine is verified and stands in" in said
    said = run("show", "mine")
    assert "From: me" in said and "A note." in said and "as published" in said
    assert "is here" in next(line for line in run("list").splitlines() if line.strip().startswith("mine"))


def test_bad_input_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "latin.txt").write_bytes(b"good\ncaf\xe9\n")
    assert "Did you mean 'zh-daily'" in refused(capsys, "show", "zh-dayly")
    assert "lmcompare corpus fetch ptb" in refused(capsys, "show", "ptb")
    assert "empty.txt: the file is empty" in refused(capsys, "show", str(tmp_path / "empty.txt"))
    assert "latin.txt, line 2: byte 8 (0xE9)" in refused(capsys, "show", str(tmp_path / "latin.txt"))
    assert "no such folder" in refused(capsys, "add", "ptb", "--from", str(tmp_path / "absent"))
    assert "not found here: train.txt" in refused(capsys, "add", "ptb", "--from", str(tmp_path))
    assert "nothing to fetch" in refused(capsys, "fetch", "zh-daily")
    assert not (tmp_path / "home" / "corpora").exists()
