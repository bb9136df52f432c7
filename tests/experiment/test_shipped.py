from pathlib import Path

import pytest

from lmcompare.experiment.spec import read_experiment

FILES = sorted((Path(__file__).resolve().parents[2] / "reports").glob("*/experiment.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_every_experiment_that_we_ship_can_be_read(file: Path) -> None:
    assert read_experiment(file).models
