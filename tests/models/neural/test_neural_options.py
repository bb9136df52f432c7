import subprocess
import sys

import pytest
from pydantic import ValidationError

from lmcompare.models.neural.options import LstmOptions, TransformerOptions


def test_options_and_families_are_read_without_torch():
    code = "import sys, lmcompare.models.neural.family; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_defaults_fit():
    assert LstmOptions().layers >= 1
    assert TransformerOptions().slide * 2 <= TransformerOptions().window


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 30, "heads": 4}, "even multiple of heads"),
        ({"window": 16, "length": 16, "stride": 9}, "more than half of window"),
        ({"window": 16, "length": 32}, "length 32 is more than window 16"),
        ({"widht": 3}, "Extra inputs"),
        ({"lr": 0}, "greater than 0"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(changes, said):
    with pytest.raises(ValidationError, match=said):
        TransformerOptions(**changes)
