"""N-grams, timed: text to model, text to ARPA, scoring, whole distributions, sampling, growth with the text.

    python tests/benchmarks/ngram.py --data ../shared/data --kenlm KENLM/build/bin --growth 1 10 --out /tmp

Prints figures and ratios, and fails on none. Whole processes are timed from outside (wall and processor
seconds, largest resident size), each three times after a warm-up that also compiles; the best is kept. What
is absent is left out with a reason. KenLM's binaries are built from its source (github.com/kpu/kenlm).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ORDER = 5
RUNS = 3
BUILD = """
import sys
from pathlib import Path
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.text.tokenizers.options import TokenizerOptions
from lmcompare.text.tokenizers.word import WordTokenizer

tokenizer, ids = WordTokenizer.learn_file(TokenizerOptions(kind="word"), Path(sys.argv[1]))
model = train_ngram([ids], tokenizer, NgramOptions(order=int(sys.argv[2])))
"""
SAVE = BUILD + "model.save(Path(sys.argv[3]))\n"
WRITE = (
    BUILD
    + "from lmcompare.models.ngram.arpa_writer import write_arpa\nwrite_arpa(model, Path(sys.argv[3]))\n"
)


@dataclass(frozen=True)
class Cost:
    """Of one process: wall and processor seconds, and its largest resident size in MB."""

    wall: float
    processor: float
    memory: float


def run(command: list[str], stdin: Path | None = None) -> Cost:
    """One process, from its start to its end."""
    begin = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(os.open(stdin or os.devnull, os.O_RDONLY), 0)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.execvp(command[0], command)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command[:3])} ...")
    return Cost(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def best(clear: Callable[[], None], *commands: tuple[list[str], Path | None]) -> Cost:
    """The fastest of several runs of commands one after the other; `clear` makes room before each."""
    found = []
    for number in range(RUNS + 1):
        clear()
        parts = [run(*command) for command in commands]
        if number:
            whole = Cost(
                sum(p.wall for p in parts), sum(p.processor for p in parts), max(p.memory for p in parts)
            )
            found.append(whole)
    return min(found, key=lambda cost: cost.wall)


def whole_processes(text: Path, kenlm: Path | None, folder: Path, console: Console) -> None:
    """Text to a saved model and to an ARPA file, beside lmplz and build_binary."""
    model, arpa, other, binary = (folder / name for name in ("model", "a.arpa", "k.arpa", "k.bin"))

    def clear() -> None:
        shutil.rmtree(model, ignore_errors=True)
        for file in (arpa, other, binary):
            file.unlink(missing_ok=True)

    order = str(ORDER)
    rows = {
        "text to a saved model": best(
            clear, ([sys.executable, "-c", SAVE, str(text), order, str(model)], None)
        ),
        "text to ARPA": best(clear, ([sys.executable, "-c", WRITE, str(text), order, str(arpa)], None)),
    }
    if kenlm is not None:
        plain = folder / "plain.txt"  # lmplz refuses <unk> in a text
        plain.write_text(text.read_text(encoding="utf-8").replace("<unk>", "_UNK_"), encoding="utf-8")
        estimate = [
            str(kenlm / "lmplz"),
            "-o",
            order,
            "-S",
            "500M",
            "-T",
            str(folder / "t"),
            "--arpa",
            str(other),
        ]
        build = [str(kenlm / "build_binary"), str(other), str(binary)]
        rows["lmplz + build_binary"] = best(clear, (estimate, plain), (build, None))
        rows["lmplz (to ARPA)"] = best(clear, (estimate, plain))
    table = Table("whole process", "wall, s", "processor, s", "memory, MB", "of KenLM's wall")
    against = {"text to a saved model": "lmplz + build_binary", "text to ARPA": "lmplz (to ARPA)"}
    for name, cost in rows.items():
        peer = rows.get(against.get(name, ""))
        ratio = f"{cost.wall / peer.wall:.2f}" if peer else ""
        table.add_row(name, f"{cost.wall:.2f}", f"{cost.processor:.2f}", f"{cost.memory:.0f}", ratio)
    console.print(table)


def inside(text: Path, test: Path, folder: Path, console: Console) -> None:
    """Training, scoring, distributions and sampling inside one process."""
    from lmcompare.interface import Ids
    from lmcompare.models.ngram.family import NgramOptions, train_ngram
    from lmcompare.models.ngram.model import NgramModel
    from lmcompare.text.reading import read_lines
    from lmcompare.text.tokenizers.options import TokenizerOptions
    from lmcompare.text.tokenizers.word import WordTokenizer

    def build() -> tuple[NgramModel, Ids]:
        tokenizer, ids = WordTokenizer.learn_file(TokenizerOptions(kind="word"), text)
        return train_ngram([ids], tokenizer, NgramOptions(order=ORDER)), ids

    def save() -> None:
        shutil.rmtree(folder / "inside", ignore_errors=True)
        build()[0].save(folder / "inside")

    seconds_to_save = timed(save)
    model, ids = build()
    tokenizer = model.tokenizer
    unseen = tokenizer.encode_document(read_lines(test))
    rng = np.random.default_rng(1)
    ends = rng.integers(ORDER, len(unseen), 64)
    contexts = [unseen[end - ORDER + 1 : end] for end in ends]
    empty = [np.zeros(0, dtype=np.int64)] * 64
    seeds = [[1, row] for row in range(64)]
    jobs: list[tuple[str, Callable[[], object], float, str]] = [
        ("score the test text", lambda: model.score([unseen]), len(unseen) / 1e6, "M tokens/s"),
        ("score the training text", lambda: model.score([ids]), len(ids) / 1e6, "M tokens/s"),
        ("sample, 64 rows", lambda: model.sample(empty, 1000, seeds), 64_000 / 1e6, "M tokens/s"),
    ]
    table = Table("inside a process; one thread, but for the first row", "", "")
    table.add_row("text to a saved model, nothing to import", f"{seconds_to_save:.2f}", "s")
    for name, job, amount, unit in jobs:
        table.add_row(name, f"{amount / timed(job):.2f}", unit)
    seconds = timed(lambda: model.next_logprobs(contexts)) / len(contexts)
    name = f"a distribution over {tokenizer.size:,} words, {len(contexts)} at a time"
    table.add_row(name, f"{1e6 * seconds:.1f}", "µs a context")
    console.print(table)


def timed(job: Callable[[], object]) -> float:
    """The shortest of several runs after a first one that compiles."""
    job()
    found = []
    for _ in range(5):
        begin = time.perf_counter()
        job()
        found.append(time.perf_counter() - begin)
    return min(found)


def growth(millions: list[float], kenlm: Path | None, folder: Path, out: Path, console: Console) -> None:
    """Time and memory over the size of a synthetic text, as a table and as `growth.svg`."""
    from matplotlib.figure import Figure

    found: dict[str, list[tuple[float, Cost]]] = {}
    table = Table("tokens", "", "wall, s", "processor, s", "memory, MB")
    for size in millions:
        text = folder / "synthetic.txt"
        synthetic(text, int(size * 1e6))
        shutil.rmtree(folder / "m", ignore_errors=True)
        commands = {
            "lmcompare": ([sys.executable, "-c", SAVE, str(text), str(ORDER), str(folder / "m")], None)
        }
        if kenlm is not None:
            lmplz = [str(kenlm / "lmplz"), "-o", str(ORDER), "-S", "500M", "-T", str(folder / "t")]
            # In a long text of this kind no word occurs once, from which lmplz wants to estimate discounts.
            commands["lmplz"] = ([*lmplz, "--discount_fallback", "--arpa", str(folder / "k.arpa")], text)
        for name, command in commands.items():
            cost = run(*command)
            (folder / "k.arpa").unlink(missing_ok=True)
            found.setdefault(name, []).append((size, cost))
            figures = (f"{cost.wall:.1f}", f"{cost.processor:.1f}", f"{cost.memory:.0f}")
            table.add_row(f"{size:g} M", name, *figures)
    console.print(table)
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    seconds, memory = figure.subplots(1, 2)
    for name, points in found.items():
        sizes = [size for size, _ in points]
        seconds.plot(sizes, [cost.wall for _, cost in points], marker="o", label=name)
        memory.plot(sizes, [cost.memory / 1000 for _, cost in points], marker="o", label=name)
    for axes, unit in ((seconds, "wall time (s)"), (memory, "largest resident size (GB)")):
        axes.set(xlabel="million tokens", ylabel=unit, xscale="log", yscale="log")
        axes.grid(alpha=0.3)
    seconds.legend(frameon=False)
    figure.suptitle(f"Text to a model of order {ORDER}: a line of slope 1 is proportional growth")
    figure.savefig(out / "growth.svg")
    console.print(f"wrote {out / 'growth.svg'}")


def synthetic(path: Path, tokens: int) -> None:
    """Text whose words depend on the word before: a Zipf law, mixed with a few followers of each word."""
    rng = np.random.default_rng(7)
    types = 100_000
    weights = 1 / np.arange(1, types + 1)
    sums = np.cumsum(weights / weights.sum())
    names = np.array([f"w{i}" for i in range(types)])
    followers = rng.integers(0, 1000, (types, 8))
    with path.open("w", encoding="utf-8") as file:
        for begin in range(0, tokens, 1_000_000):
            count = min(1_000_000, tokens - begin)
            free = np.minimum(np.searchsorted(sums, rng.random(count)), types - 1)
            bound = followers[np.concatenate([[0], free[:-1]]), rng.integers(0, 8, count)]
            ids = np.where(rng.random(count) < 0.5, bound, free)
            for row in np.array_split(names[ids], max(1, count // 25)):
                file.write(" ".join(row) + "\n")


def main() -> None:
    """Parse what is where, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="has wikitext-2/train.txt")
    parser.add_argument("--kenlm", type=Path, help="folder of lmplz and build_binary")
    parser.add_argument("--growth", type=float, nargs="*", default=[], help="millions of synthetic tokens")
    parser.add_argument("--out", type=Path, default=Path("."), help="where growth.svg goes")
    options = parser.parse_args()
    console = Console()
    kenlm = options.kenlm
    if kenlm is None or not (kenlm / "lmplz").is_file():
        console.print("KenLM is left out: --kenlm names no folder with lmplz")
        kenlm = None
    text, test = (options.data / "wikitext-2" / name for name in ("train.txt", "test.txt"))
    with tempfile.TemporaryDirectory() as temporary:
        if text.is_file() and test.is_file():
            whole_processes(text, kenlm, Path(temporary), console)
            inside(text, test, Path(temporary), console)
        else:
            console.print(f"WikiText-2 is left out: there is no {text}")
        if options.growth:
            growth(options.growth, kenlm, Path(temporary), options.out, console)


if __name__ == "__main__":
    main()
