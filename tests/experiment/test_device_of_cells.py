import json
import subprocess
import sys
from pathlib import Path

import pytest

from lmcompare.__main__ import main
from lmcompare.errors import InputError
from lmcompare.experiment.run import describe_environment, run
from lmcompare.experiment.spec import read_experiment
from lmcompare.experiment.store import cell_folder, versions
from lmcompare.files import digest
from lmcompare.models.neural import device

H100 = "NVIDIA H100 80GB HBM3"


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_has_driver", lambda: False)
    monkeypatch.setattr(device, "_torch_sees_one", lambda: False)


def keys(folder: Path, wanted: str) -> list[str]:
    experiment = read_experiment(folder, {"device": wanted})
    return [cell_folder(experiment, model, 1, "text", "tokens").key for model in experiment.models]


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a command says that ends with code 2."""
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, words)))
    assert ended.value.code == 2
    told = capsys.readouterr()
    return " ".join((told.out + told.err).split())


def test_the_key_of_a_cell_of_the_processor_is_what_it_was_before_there_were_devices(
    tiny: Path, no_gpu: None
) -> None:
    """Written out as it was then, so that cells of that time are found again."""
    experiment = read_experiment(tiny)
    before = [
        digest(
            {
                "kind": model.kind,
                "options": model.options.model_dump(mode="json"),
                "tokenizer": "tokens",
                "corpus": "text",
                "seed": 1,
                "threads": experiment.head.threads,
                "versions": versions(),
            }
        )
        for model in experiment.models
    ]
    assert keys(tiny, "cpu") == keys(tiny, "auto") == before


def test_cells_of_a_gpu_are_others_and_go_by_its_name(
    tiny: Path, no_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys(tiny, "auto")
    monkeypatch.setattr(device, "_has_driver", lambda: True)
    monkeypatch.setattr(device, "_torch_sees_one", lambda: True)
    monkeypatch.setenv(device.WORKSPACE, ":4096:8")
    found = []
    for name in (H100, "another"):
        monkeypatch.setattr(device, "gpu", lambda place, name=name: name if place == "cuda" else None)
        assert keys(tiny, "cpu") == before and keys(tiny, "auto") == keys(tiny, "cuda")
        found.append(keys(tiny, "cuda"))
    assert not set(found[0]) & {*before, *found[1]}
    assert describe_environment(read_experiment(tiny, {"device": "cuda"}))["device"] == "another"
    assert "device" not in describe_environment(read_experiment(tiny, {"device": "cpu"}))


def test_an_experiment_for_a_gpu_ends_here_with_one_sentence_and_nothing_is_written(
    tiny: Path, no_gpu: None, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tiny.rglob("*"))
    with pytest.raises(InputError, match="needs a GPU.*--set device=cpu"):
        run(read_experiment(tiny, {"device": "cuda"}), None, command="")  # type: ignore[arg-type]
    said = refused(capsys, "run", tiny, "--set", "device=cuda")
    assert "experiment.toml, device: cuda needs a GPU" in said and "--set device=cpu" in said
    assert sorted(tiny.rglob("*")) == before


def test_the_experiment_that_we_ship_for_a_gpu_ends_without_one_before_it_reads_a_corpus(
    no_gpu: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMCOMPARE_HOME", str(tmp_path / "home"))
    shipped = Path(__file__).resolve().parents[2] / "reports" / "wikitext-2-gpu" / "experiment.toml"
    folder = tmp_path / "wikitext-2-gpu"
    folder.mkdir()
    (folder / "experiment.toml").write_bytes(shipped.read_bytes())
    assert "needs a GPU" in refused(capsys, "run", folder)
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["experiment.toml"]


@pytest.mark.parametrize("command", ["train", "score"])
def test_commands_refuse_a_gpu_that_is_not_there(
    command: str, tiny: Path, no_gpu: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"train": ["lstm", tiny / "text.txt", "--out", tmp_path / "new"], "score": ["a text"]}[command]
    assert "--device: cuda needs a GPU" in refused(capsys, command, *words, "--device", "cuda")
    assert not (tmp_path / "new").exists()


def test_a_device_that_nobody_knows_is_a_fault_of_the_file(tiny: Path) -> None:
    with pytest.raises(InputError, match="device: should be 'auto', 'cpu' or 'cuda'"):
        read_experiment(tiny, {"device": "tpu"})


def test_asking_where_networks_are_imports_no_torch() -> None:
    code = (
        "import sys; from lmcompare.models.neural import device; device._has_driver = lambda: False;"
        "print(device.resolve('auto'), device.gpu('cpu'), 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["cpu", "None", "False"]


def test_the_file_says_where_networks_are(tiny: Path, no_gpu: None) -> None:
    assert json.loads(json.dumps(read_experiment(tiny).to_json()))["device"] == "auto"
