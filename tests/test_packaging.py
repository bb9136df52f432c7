import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_wheel_holds_every_corpus_recipe_every_experiment_and_every_template(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    shipped = [
        *(f"lmcompare/_shipped/{p.relative_to(ROOT)}" for p in ROOT.glob("corpora/*/*.toml")),
        *(f"lmcompare/_shipped/{p.relative_to(ROOT)}" for p in ROOT.glob("reports/*/experiment.toml")),
        *(str(p.relative_to(ROOT)) for p in ROOT.glob("lmcompare/reporting/templates/*")),
        *(str(p.relative_to(ROOT)) for p in ROOT.glob("lmcompare/reporting/strings/*.toml")),
        "lmcompare/py.typed",
    ]
    assert len(shipped) > 15
    assert not set(shipped) - held
    assert not [name for name in held if "/cells/" in name or name.endswith((".html", ".ipynb"))]
