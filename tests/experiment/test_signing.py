from __future__ import annotations

from pathlib import Path

import pytest

from lmcompare import registry
from lmcompare.evaluation import signature, source_code
from lmcompare.evaluation.units import units_of
from lmcompare.experiment import run
from lmcompare.experiment.signing import sign
from lmcompare.experiment.spec import read_experiment
from lmcompare.files import write_json


def signed(folder: Path, precision: str | None = None):
    """The signature of the experiment in a folder; nothing is trained, but a precision may be feigned."""
    experiment = read_experiment(folder)
    prepared = run._prepare(experiment, Silent())
    jobs = [job for cells in run._jobs(experiment, prepared).values() for job in cells]
    if precision:
        jobs[1].folder.model.mkdir(parents=True)
        write_json(jobs[1].folder.model / "model.json", {"config": {"facts": {"precision": precision}}})
    return sign(experiment, prepared.corpus, [one.tokenizer for one in prepared.encoded.values()], jobs)


class Silent:
    def stage(self, what: str) -> None: ...
    def cells(self, labels: list[str], ready: list[str]) -> None: ...
    def progress(self, label: str, progress: registry.Progress) -> None: ...
    def finished(self, label: str) -> None: ...
    def beat(self) -> None: ...


def changed(before, after) -> set[str]:
    return {name for name in before.parts if before.parts[name] != after.parts[name]}


EVALUATION = "[evaluation]\n"
MOVES = {
    "another word in the text": (("text.txt", "cat", "cow"), {"corpus", "tokenizer", "models"}),
    "a smaller vocabulary": (
        ("experiment.toml", 'kind = "char"', 'kind = "char"\nmin_count = 200'),
        {"tokenizer", "models"},
    ),
    "another tokenizer": (("experiment.toml", 'kind = "char"', 'kind = "word"'), {"tokenizer", "models"}),
    "another split": (("experiment.toml", EVALUATION, '[evaluation]\nsplits = ["test"]\n'), {"split"}),
    "a window": (("experiment.toml", EVALUATION, "[evaluation]\nwindow = 8\n"), {"window", "stride"}),
    "what is drawn": (("experiment.toml", EVALUATION, '[evaluation]\nresample = "sentences"\n'), {"unit"}),
    "the resamples": (("experiment.toml", "resamples = 200", "resamples = 300"), {"resamples"}),
    "the seed of the bootstrap": (("experiment.toml", EVALUATION, "[evaluation]\nseed = 5\n"), {"resampled"}),
    "the unseen types": (("experiment.toml", EVALUATION, "[evaluation]\nopen_vocabulary = 900\n"), {"oov"}),
    "another prompt": (("experiment.toml", "prompts = 4", "prompts = 3"), {"evaluation"}),
    "an option of a model": (("experiment.toml", "order = 3", "order = 2"), {"models"}),
    "the number format of training": (
        ("experiment.toml", "width = 16\nsteps", 'width = 16\nprecision = "bfloat16"\nsteps'),
        {"models"},
    ),
    "a model's seeds": (("experiment.toml", "order = 3", "order = 3\nseeds = [4]"), {"seeds", "models"}),
    "all seeds": (
        ("experiment.toml", 'title = "tiny"', 'title = "tiny"\nseeds = [1, 2]'),
        {"seeds", "models"},
    ),
    "the threads": (
        ("experiment.toml", 'title = "tiny"', 'title = "tiny"\nthreads = 2'),
        {"threads", "models"},
    ),
}


@pytest.mark.parametrize("what", MOVES)
def test_what_moves_a_number_moves_the_signature_and_its_own_parts(tiny: Path, what: str) -> None:
    (name, old, new), parts = MOVES[what]
    before = signed(tiny)
    file = tiny / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    after = signed(tiny)
    assert changed(before, after) == parts
    assert before.long() != after.long() and before.short() != after.short()


def test_the_stride_of_a_window_moves_it(tiny: Path) -> None:
    file, found = tiny / "experiment.toml", []
    text = file.read_text()
    for stride in ("", "stride = 2\n", "stride = 3\n", "stride = 4\n"):
        file.write_text(text.replace(EVALUATION, f"[evaluation]\nwindow = 8\n{stride}"))
        found.append(signed(tiny))
    assert changed(found[0], found[1]) == changed(found[1], found[2]) == {"stride"}
    assert [one.parts["stride"] for one in found] == ["4", "2", "3", "4"]
    assert found[0] == found[3]  # half the window, told or not


def test_the_number_format_that_a_model_was_trained_in_moves_it(tiny: Path) -> None:
    before, after = signed(tiny), signed(tiny, "bfloat16")
    assert changed(before, after) == {"dtype"}
    assert after.parts["dtype"] == "sum-float64+train-bfloat16"


@pytest.mark.parametrize("package", signature.PACKAGES)
def test_the_version_of_each_package_that_computes_moves_it(
    tiny: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signed(tiny)
    real = signature.version
    monkeypatch.setattr(signature, "version", lambda name: "0.0.0" if name == package else real(name))
    assert changed(before, signed(tiny)) == {package}


def test_our_own_version_moves_it(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signed(tiny)
    monkeypatch.setattr(signature, "__version__", "0.0.0")
    assert changed(before, signed(tiny)) == {"lmcompare"}


def test_the_code_that_scores_moves_it(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signed(tiny)
    monkeypatch.setattr(source_code, "own_code", lambda: "edited")
    assert changed(before, signed(tiny)) == {"code"}


def test_the_code_of_a_plug_in_stands_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert signature.plugins(["ngram", "lstm"]) == {}
    monkeypatch.setattr(source_code, "code_of", lambda kinds: {"lmcompare": "0" * 16, "mine": "ab" * 8})
    assert signature.plugins(["mine"]) == {"plugins": "mine#abababababab"}


def test_edited_code_makes_a_new_evaluation_and_no_new_training(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folders():
        experiment = read_experiment(tiny)
        cells = run._jobs(experiment, run._prepare(experiment, Silent())).values()
        return [job.folder for jobs in cells for job in jobs]

    before = folders()
    monkeypatch.setattr(source_code, "own_code", lambda: "edited")
    after = folders()
    assert [each.path for each in before] == [each.path for each in after]
    assert all(one.found != other.found for one, other in zip(before, after, strict=True))


def test_names_and_places_do_not_move_it(tiny: Path) -> None:
    before = signed(tiny)
    moved = tiny.rename(tiny.with_name("elsewhere"))
    file = moved / "experiment.toml"
    file.write_text(file.read_text().replace('title = "tiny"', 'title = "other"').replace("workers = 2", ""))
    assert signed(moved) == before


def test_a_signature_is_one_line_and_its_short_form_is_shorter(tiny: Path) -> None:
    found = signed(tiny)
    assert "\n" not in found.long() and len(found.long().split("|")) == len(found.parts)
    assert len(found.short()) < len(found.long())
    assert len(found.short().split("|")) == len(found.parts)
    names = [part.split(":")[0] for part in found.short().split("|")]
    assert len(set(names)) == len(names)


def test_sentences_are_drawn_where_the_experiment_says_so(tiny: Path) -> None:
    before = run._prepare(read_experiment(tiny), Silent())
    file = tiny / "experiment.toml"
    file.write_text(file.read_text().replace(EVALUATION, '[evaluation]\nresample = "sentences"\n'))
    after = run._prepare(read_experiment(tiny), Silent())
    assert (before.corpus.by_document, after.corpus.by_document) == (True, False)
    names = []
    for prepared in (before, after):
        encoded = next(iter(prepared.encoded.values()))
        assert encoded.corpus.by_document == prepared.corpus.by_document
        names.append(units_of(encoded.train, 1, by_document=encoded.corpus.by_document).name)
    assert names == ["documents", "sentences"]
