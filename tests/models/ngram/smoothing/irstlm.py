"""IRSTLM's estimator `tlm`, where it is installed (Debian: apt-get install irstlm); skips where it is not.

It reads sentences with `<s>` and `</s>` written out, and before the first one it puts one more `<s>`: so what
follows `<s>`, and with it each count of counts, is off by a few n-grams of one occurrence.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lmcompare.interface import Floats

Listed = dict[tuple[str, ...], tuple[float, float]]


def estimated(folder: Path, sentences: Sequence[str], order: int, method: str, back_off: bool) -> Listed:
    """Probability and back-off weight (not logarithms) of each n-gram; 1 where no weight is written."""
    tool = shutil.which("tlm") or shutil.which("tlm", path="/usr/lib/irstlm/bin")
    if tool is None:
        pytest.skip("IRSTLM is not installed (Debian: apt-get install irstlm)")
    text, arpa = folder / "text", folder / "arpa"
    text.write_text("".join(f"<s> {sentence} </s>\n" for sentence in sentences))
    settings = [f"-n={order}", f"-lm={method}", f"-bo={'yes' if back_off else 'no'}", "-ps=no"]
    subprocess.run(
        [tool, f"-tr={text}", f"-oarpa={arpa}", *settings], check=True, capture_output=True, timeout=60
    )
    found: Listed = {}
    for line in arpa.read_text().splitlines():
        fields = line.split("\t")
        if len(fields) > 1:
            weight = 10 ** float(fields[2]) if len(fields) > 2 else 1.0
            found[tuple(fields[1].split())] = 10 ** float(fields[0]), weight
    return found


def own_shares(listed: Listed, grams: Sequence[tuple[str, ...]], *, back_off: bool) -> Floats:
    """What of each n-gram's probability is its own and not the shorter context's."""
    if back_off:
        return np.array([listed[gram][0] for gram in grams])
    return np.array([listed[g][0] - listed[g[:-1]][1] * listed[g[1:]][0] for g in grams])
