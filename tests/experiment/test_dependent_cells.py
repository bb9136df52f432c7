"""Cells that are made of cells: what they depend on, and that a whole run fills them in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.evaluation.results import Results
from lmcompare.experiment.run import run
from lmcompare.experiment.spec import read_experiment
from lmcompare.models.ngram.count_files import write_counts
from lmcompare.models.ngram.counts import count, lay_out
from lmcompare.registry import Progress
from lmcompare.text.tokenizers.options import TokenizerOptions
from lmcompare.text.tokenizers.word import WordTokenizer

HEAD = """
[corpus]
path = "text.txt"
documents = "blank-line"
language = "en"

[tokenizer]
kind = "char"

[evaluation]
resamples = 100

[evaluation.generation]
prompts = 2
prompt_units = 2
length = 12
"""
NGRAM = '[[models]]\nname = "3-gram"\nkind = "ngram"\norder = 3\n'
LSTM = """[[models]]
name = "LSTM"
kind = "lstm"
width = 16
steps = 60
batch = 4
length = 16
evaluations = 1
"""
WORDS = 'tokenizer = {kind = "word"}\n'
ONE_LINE = '[[models]]\nname = "all"\nkind = "mixture"\nmembers = ["3-gram", "cache", "LSTM"]\n'


class Quiet:
    """Remembers the order in which cells ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def stage(self, what: str) -> None: ...

    def cells(self, labels: list[str], ready: list[str]) -> None:
        self.ready = ready

    def progress(self, label: str, progress: Progress) -> None: ...

    def finished(self, label: str) -> None:
        self.ended.append(label)

    def beat(self) -> None: ...


def written(folder: Path, *models: str) -> Path:
    (folder / "experiment.toml").write_text("seeds = [1]\n" + HEAD + "\n" + "\n".join(models))
    return folder


def done(folder: Path) -> tuple[Results, Quiet]:
    quiet = Quiet()
    return run(read_experiment(folder), quiet, command="test"), quiet


def perplexity(results: Results, name: str) -> float:
    return next(model for model in results.models if model.name == name).splits["test"]["native"].perplexity


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells are filled in this process, one after the other in the order that is given: no start-up time."""

    def run_here(jobs: Any, after: Any, work: Any, *settings: Any, fresh: bool) -> None:
        *_, finished = settings
        done: list[Any] = []
        for job in jobs:
            assert all(any(other is each for each in done) for other in after(job))
            work(job)
            done.append(job)
            finished(job)

    monkeypatch.setattr("lmcompare.experiment.run.run_all", run_here)


def cells(folder: Path, start: str) -> list[Path]:
    return sorted((folder / "cells").glob(f"{start}-s*"))


@pytest.mark.slow
def test_an_n_gram_a_cache_and_an_lstm_are_one_line_and_better_than_each(tiny: Path) -> None:
    """The mixture stands first in the file, is trained last, and is not trained again."""
    names = [f"{first}{second}o" for first in "bdf" for second in "aeiou"]
    documents = (tiny / "text.txt").read_text().split("\n\n")
    told = [
        text.replace("dog", name).replace("cat", name)
        for text, name in zip(documents, 4 * names, strict=True)
    ]
    (tiny / "text.txt").write_text("\n\n".join(told))  # each document is about somebody of its own
    results, quiet = done(written(tiny, *(model + WORDS for model in (ONE_LINE, NGRAM, LSTM))))
    assert quiet.ended[-1] == "all"
    assert [model.name for model in results.models] == ["all", "3-gram", "LSTM"]
    assert perplexity(results, "all") < min(perplexity(results, name) for name in ("3-gram", "LSTM"))
    again, quiet = done(tiny)
    assert quiet.ended == []
    assert sorted(quiet.ready) == ["3-gram", "LSTM", "all"]
    assert perplexity(again, "all") == perplexity(results, "all")
    (cell,) = cells(tiny, "all")
    alone = registry.models.get("mixture").load((cell / "model").rename(tiny / "moved"))
    assert np.isfinite(alone.score([np.array([3, 4, 1])])[0]).all()


def test_models_are_found_whatever_their_names_and_cost_what_they_are_made_of(tiny: Path, here: None) -> None:
    from lmcompare.commands.opening import models_of

    mixture = '[[models]]\nname = "+ cache (1)"\nkind = "mixture"\nmembers = ["3-gram", "cache"]\n'
    results, _ = done(written(tiny, NGRAM, mixture))
    assert list(models_of(tiny)) == ["3-gram", "+ cache (1)"]
    seconds = [model.cost.train_seconds for model in results.models]
    assert 0 < seconds[0] < seconds[1]


def test_a_changed_member_makes_a_new_mixture_and_an_unchanged_one_does_not(tiny: Path, here: None) -> None:
    mixture = '[[models]]\nname = "m"\nkind = "mixture"\nmembers = ["3-gram", {kind = "ngram", order = 1}]\n'
    first, _ = done(written(tiny, NGRAM, mixture))
    second, quiet = done(written(tiny, NGRAM.replace("order = 3", "order = 2"), mixture))
    assert quiet.ended == ["3-gram", "m"]
    assert len(cells(tiny, "m")) == 2
    assert perplexity(second, "m") != perplexity(first, "m")
    third, quiet = done(written(tiny, NGRAM, mixture))
    assert quiet.ended == []
    assert perplexity(third, "m") == perplexity(first, "m")


def test_a_model_of_another_text_is_trained_on_that_text(tiny: Path, here: None) -> None:
    text = (tiny / "text.txt").read_text()
    (tiny / "other.txt").write_text(text.replace("the", "a").replace("cat", "tac"))
    other = NGRAM.replace("3-gram", "other") + 'corpus = {path = "other.txt", documents = "blank-line"}\n'
    both = (
        '[[models]]\nname = "m"\nkind = "mixture"\nmembers = ["3-gram", "other"]\nadapt = "bayes"\nrate = 0\n'
    )
    results, _ = done(written(tiny, NGRAM, other, both))
    assert perplexity(results, "other") > 1.5 * perplexity(results, "3-gram")
    assert perplexity(results, "m") < 1.05 * perplexity(results, "3-gram")
    before = cells(tiny, "other")
    (tiny / "other.txt").write_text(text.replace("the", "no"))
    _, quiet = done(tiny)
    assert quiet.ended == ["other", "m"]
    assert len(cells(tiny, "other")) == len(before) + 1


def test_a_cell_depends_on_what_is_in_a_file_and_not_on_where_it_lies(tiny: Path, here: None) -> None:
    """Counts of a model of its own, and of a mixture's inner one."""
    lines = (tiny / "text.txt").read_text().splitlines()
    tokenizer, ids = WordTokenizer.learn(TokenizerOptions(kind="word"), lines)
    for name, part in (("a", ids), ("b", ids), ("c", ids[: len(ids) // 2])):
        stream = lay_out([part], tokenizer.bos, tokenizer.eos)
        levels = count(stream, 2, tokenizer.size, tokenizer.bos)
        write_counts(levels, tokenizer, tiny / f"{name}.counts", lower=True)
    one = '[[models]]\nname = "one"\nkind = "ngram"\norder = 2\ncounts = "FILE"\n' + WORDS
    inner = '{kind = "ngram", order = 2, counts = "FILE"}'
    mixed = f'[[models]]\nname = "m"\nkind = "mixture"\nmembers = [{inner}]\n' + WORDS
    found = []
    for name in "abc":
        file = f"{tiny}/./{name}.counts"
        results, quiet = done(written(tiny, (one + mixed).replace("FILE", file)))
        found.append((perplexity(results, "one"), perplexity(results, "m"), quiet.ended))
    assert found[0] == (*found[1][:2], ["one", "m"])
    assert found[1][2] == []
    assert found[2][2] == ["one", "m"] and found[2][0] != found[0][0]
    (tiny / "c.counts").unlink()
    with pytest.raises(InputError, match=r"models\[0\], .*c.counts: there is no such file"):
        done(tiny)


def test_members_of_another_event_space_are_refused_before_anything_is_trained(tiny: Path) -> None:
    other = NGRAM.replace("3-gram", "bytes") + 'tokenizer = {kind = "byte"}\n'
    mixture = '[[models]]\nname = "m"\nkind = "mixture"\nmembers = ["3-gram", "bytes"]\n'
    with pytest.raises(InputError, match=r"models\[2\].members\[1\]: 'bytes' has another tokenizer"):
        done(written(tiny, NGRAM, other, mixture))
    assert not list((tiny / "cells").glob("*-s*"))


def test_a_text_that_is_absent_is_told_with_its_model(tiny: Path) -> None:
    other = NGRAM + 'corpus = {path = "absent.txt"}\n'
    with pytest.raises(InputError, match=r"models\[0\].corpus, .*absent.txt"):
        done(written(tiny, other))


def seeds_of_members(jobs: Any) -> list[list[str]]:
    return [[folder.path.name for folder in job.members.values()] for job in jobs]


def test_a_mixture_of_a_seed_is_made_of_that_seed_else_of_the_first(tiny: Path) -> None:
    from lmcompare.experiment.run import _jobs, _prepare

    mixture = '[[models]]\nname = "m"\nkind = "mixture"\nmembers = ["3-gram", "LSTM"]\nseeds = [1, 2, 5]\n'
    folder = written(tiny, NGRAM + "seeds = [7]\n", LSTM + "seeds = [2, 1]\n", mixture)
    experiment = read_experiment(folder)
    jobs = _jobs(experiment, _prepare(experiment, Quiet()))
    names = [[name.rpartition("-")[0] for name in row] for row in seeds_of_members(jobs["m"])]
    assert names == [["3-gram-s7", "LSTM-s1"], ["3-gram-s7", "LSTM-s2"], ["3-gram-s7", "LSTM-s2"]]
    assert len({job.folder.key for job in jobs["m"]}) == 3
