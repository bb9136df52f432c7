"""What a model costs: bytes on disk, tokens per second, memory. Parameters the model itself knows.

Sizes are exact; speeds are wall time of the very calls that the evaluation makes, on this machine,
with whatever else it does at the time. Not covered: energy, money, memory of an accelerator.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lmcompare.interface import Floats, Ids, LanguageModel


def folder_bytes(folder: Path) -> int:
    """Bytes of all files of a folder, in all its folders."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def timed_score(model: LanguageModel, documents: Sequence[Ids]) -> tuple[list[Floats], float]:
    """`model.score` of the documents, and how many events it scored per second of wall time.

    What a process does once, such as compiling, is done before on one token.
    """
    model.score([document[:1] for document in documents[:1]])
    begin = time.perf_counter()
    scores = model.score(documents)
    seconds = time.perf_counter() - begin
    return scores, sum(map(len, documents)) / max(seconds, 1e-9)


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes; 0 where the system does not tell (Windows)."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux: of this program only. What `getrusage` says there includes the process that forked us.
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return 0
    import resource

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024
