"""Each fault that a user can cause: one sentence with its place, exit code 2, nothing half-written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lmcompare.__main__ import main

Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Said:
    """Exit code and the last line that was printed by a command."""

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        printed = capfd.readouterr()
        assert "Traceback" not in printed.out + printed.err
        code = caught.value.code
        assert isinstance(code, int)
        return code, printed.err.strip().splitlines()[-1]

    return run


def change(folder: Path, old: str, new: str) -> Path:
    file = folder / "experiment.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "place", "remedy"),
    [
        ("order = 3", "ordre = 3", "models[0].ordre", "Did you mean 'order'?"),
        ("order = 3", "order = 0", "models[0].order", "must be from 1 to 8"),
        ('path = "text.txt"', 'path = "txet.txt"', "txet.txt", "Did you mean 'text.txt'?"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_place_and_nothing_is_written(
    tiny: Path, said: Said, old: str, new: str, place: str, remedy: str
) -> None:
    code, line = said("run", str(change(tiny, old, new)))
    assert code == 2 and place in line and remedy in line
    assert not list(tiny.glob("cells/*/")) and not (tiny / "results.json").exists()


def test_a_named_corpus_that_is_not_here_says_how_to_get_it(tiny: Path, said: Said) -> None:
    text = (tiny / "experiment.toml").read_text()
    start, end = text.index("[corpus]"), text.index("[tokenizer]")
    (tiny / "experiment.toml").write_text(text[:start] + '[corpus]\nname = "ptb"\n\n' + text[end:])
    code, line = said("run", str(tiny))
    assert code == 2 and "lmcompare corpus fetch ptb" in line


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"good\n\xff\xfe\n", "line 2: byte 5 (0xFF) is not UTF-8"),
        (b"one line\n", "cannot be split"),
    ],
)
def test_a_text_that_cannot_be_used_is_named(tiny: Path, said: Said, content: bytes, what: str) -> None:
    (tiny / "text.txt").write_bytes(content)
    code, line = said("run", str(tiny))
    assert code == 2 and what in line


def test_a_file_with_a_wrong_checksum_is_refused_and_not_kept(tmp_path: Path, said: Said) -> None:
    (tmp_path / "input.txt").write_bytes(b"x" * 1_115_394)  # the size is right
    code, line = said("corpus", "add", "tinyshakespeare", "--from", str(tmp_path))
    assert code == 2 and "wrong checksum" in line and "input.txt" in line
    assert not (Path(os.environ["LMCOMPARE_HOME"]) / "corpora" / "tinyshakespeare").exists()


def test_a_full_disk_is_told_and_no_model_is_left(
    tiny: Path, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    from lmcompare.text.encoded import encode_corpus
    from lmcompare.text.sources import open_corpus
    from lmcompare.text.tokenizers import TokenizerOptions, build

    corpus = open_corpus(str(tiny / "text.txt"))  # encoded before: the disk fills up when the model is saved
    encode_corpus(corpus, build(TokenizerOptions(kind="char"), corpus.sentences("train")))
    monkeypatch.setattr("lmcompare.files.os.fsync", full)
    out = tmp_path / "model"
    train = ["train", "ngram", str(tiny / "text.txt"), "--tokenizer", "char", "--set", "curve=false"]
    code, line = said(*train, "--out", str(out))
    assert code == 2 and "No space left on device" in line and "Free some space" in line
    assert not out.exists()


@pytest.mark.slow
def test_a_loss_that_is_not_a_number_names_the_step_and_the_remedy(tiny: Path, said: Said) -> None:
    text = (tiny / "experiment.toml").read_text()
    (tiny / "experiment.toml").write_text(
        text.replace("width = 16\nsteps", "width = 16\nlr = 1e30\nclip = 0\nsteps")
    )
    code, line = said("run", str(tiny))
    assert code == 2 and " became " in line and " at step " in line and "Likely cause: " in line
    assert "Set clip (now 0, which never clips), or lower lr (now 1e+30)" in line
    assert not (tiny / "results.json").exists()
