"""What several commands ask for: a model by folder or by name, and where experiments stand."""

from __future__ import annotations

import shutil
from pathlib import Path

from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.experiment.spec import read_experiment
from lmcompare.experiment.store import start_of
from lmcompare.files import explain_os_errors, model_kind, shipped
from lmcompare.interface import LanguageModel
from lmcompare.models.neural.family import NeuralFamily

QUICKSTART = Path("reports/quickstart")
_ARPA = (".arpa", ".lm", ".gz", ".bz2", ".xz")
_BINARY = (".bin", ".binary", ".klm")


def experiment_path(given: Path | None) -> Path:
    """The experiment to run: the one given, else the quick start's.

    A path that is not here may name an experiment that came with lmcompare ("reports/zh-daily" or
    "zh-daily"); one that came in a wheel is copied here first, since its report is written beside it.
    """
    if given is not None and given.exists():
        return given
    given = given or QUICKSTART
    origin = shipped("reports") / (given.parent if given.suffix else given).name / "experiment.toml"
    if not origin.is_file():
        return given
    if origin.parents[2].joinpath("pyproject.toml").is_file():
        return origin.parent
    local = QUICKSTART.parent / origin.parent.name / origin.name
    if not local.is_file():
        with explain_os_errors(local):
            local.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, local)
    return local.parent


def open_model(folder: Path, *, compiled: bool | None = None, int8: bool = False) -> LanguageModel:
    """The model saved in a folder (or in the `model` folder of a cell), of whatever kind.

    Args:
        folder: where it stands.
        compiled: of a neural model, as its family's `load` takes it; others are what they are.
        int8: the same.
    """
    folder = folder / "model" if (folder / "model" / "model.json").is_file() else folder
    if folder.suffix.lower() in (*_ARPA, *_BINARY) and folder.is_file():
        remedy = f"Run `lmcompare convert {folder} FOLDER`, then use that folder"
        if folder.suffix.lower() in _BINARY:
            remedy = "Train a model of kind kenlm with path set to it, then use that folder"
        what = "this is a file of another tool, not a model folder"
        raise InputError(what, where=str(folder), remedy=remedy)
    family = registry.models.get(model_kind(folder), where=str(folder))
    if isinstance(family, NeuralFamily):
        return family.load(folder, compiled=compiled, int8=int8)
    return family.load(folder)


def is_neural(model: LanguageModel) -> bool:
    """Whether a model has weights that can be rounded and steps that can be compiled."""
    return isinstance(registry.models.get(model.kind), NeuralFamily)


def models_of(
    experiment: Path, *, compiled: bool | None = None, int8: bool = False
) -> dict[str, LanguageModel]:
    """The trained models of an experiment's first seeds, by name; opened as `open_model` says."""
    folders = folders_of(experiment)
    return {name: open_model(folder, compiled=compiled, int8=int8) for name, folder in folders.items()}


def folders_of(experiment: Path) -> dict[str, Path]:
    """Where the trained models of an experiment's first seeds stand, by name."""
    spec = read_experiment(experiment)
    cells = sorted(spec.folder.glob("cells/*/model/model.json"), key=lambda path: path.stat().st_mtime)
    found: dict[str, Path] = {}
    for model in spec.models:
        start = start_of(model, model.seeds[0])
        mine = [path.parent for path in cells if path.parts[-3].startswith(start)]
        if mine:
            found[model.name] = mine[-1]
    if not found:
        remedy = f"Run `lmcompare run {spec.folder}` first, or name model folders with --model"
        raise InputError("no trained model stands here yet", where=str(spec.folder), remedy=remedy)
    return found


def chosen_models(
    folders: tuple[Path, ...],
    experiment: Path | None,
    *,
    compiled: bool | None = None,
    int8: bool = False,
) -> dict[str, LanguageModel]:
    """The models that the options name, else those of the experiment (the quick start's by default).

    Raises:
        InputError: `compiled` or `int8` is asked for, and none of the models is neural.
    """
    chosen = chosen_folders(folders, experiment)
    found = {name: open_model(folder, compiled=compiled, int8=int8) for name, folder in chosen.items()}
    if (compiled or int8) and not any(map(is_neural, found.values())):
        where = "--int8" if int8 else "--compiled"
        remedy = f"Leave {where} out"
        raise InputError("none of these models is a neural network", where=where, remedy=remedy)
    return found


def chosen_folders(folders: tuple[Path, ...], experiment: Path | None) -> dict[str, Path]:
    """Where the models stand that `chosen_models` opens, by name."""
    if folders:
        return {_label(folder): folder for folder in folders}
    return folders_of(experiment_path(experiment))


def _label(folder: Path) -> str:
    return folder.resolve().parent.name if folder.resolve().name == "model" else folder.resolve().name
