"""The report as an executed notebook: it reads `results.json` and draws the figures through the public API.

The cell tagged `parameters` says what it reads, so that papermill and people can point it elsewhere.
Computes nothing: every cell is what a user would type.
"""

from __future__ import annotations

import html
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.evaluation.results import Results
from lmcompare.reporting.comparison import Comparison
from lmcompare.reporting.grid import panels
from lmcompare.reporting.language import Language, language
from lmcompare.reporting.ordering import leading

NAME = "report.ipynb"
_SECONDS = 120  # for one cell; the slowest, the imports, takes a few
_IMPORTS = """\
from IPython.display import SVG, display

from lmcompare.reporting import Comparison, figures
from lmcompare.reporting.ordering import bits, chain_total, headline_split
from lmcompare.reporting.section import Drawing"""
_READ = """\
comparison = Comparison.read(results_path, lang)
results = comparison.results
comparison"""
_GRID = """\
from lmcompare.reporting.grid_figure import grid

SVG(figures.to_svg(grid(results, lang)))"""
_MANY = """\
from lmcompare.reporting.ordering import leading

results = leading(results)  # the first of many models: no figure can show them all"""
_SECTION = """\
section = comparison.sections(lang)["{key}"]
for sentence in section.findings:
    print("-", sentence)
for part in section.parts:
    if isinstance(part, Drawing):
        display(SVG(figures.to_svg(part.figure)), part.caption)"""
_FINDINGS = """\
for sentence in comparison.findings() + comparison.cautions():
    print("-", sentence)"""
_CHAIN = """\
print(results.chain_sentences[0])
for model in results.models:
    total = chain_total(model.chains[0])
    print(model.name)
    print(f"   log10 P = {total.log10:.2f}, {total.bits:.1f} bits, perplexity {total.perplexity:.1f}")
    print("  ", " ".join(f"{step.token!r}:{bits(step.logprob):.1f}" for step in model.chains[0]))"""
_LOOK = """\
split = headline_split(results)
for model in results.models:
    scores = model.splits[split]["native"]
    low, high = scores.ci95
    print(f"{model.name}: {scores.perplexity:.2f} [{low:.2f}, {high:.2f}]")"""


def make_notebook(comparison: Comparison, lang: str | None = None) -> nbformat.NotebookNode:
    """The notebook, not executed yet."""
    say, results = language(lang or comparison.lang), comparison.results
    parameters = f'results_path = "results.json"\nlang = "{say.code}"'
    cells = [
        new_markdown_cell(f"# {_plain(results.title)}\n\n{say('notebook.intro')}"),
        new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        new_code_cell(_IMPORTS),
        new_markdown_cell(say("notebook.read")),
        new_code_cell(_READ),
        new_markdown_cell(say("notebook.findings")),
        new_code_cell(_FINDINGS),
    ]
    if panels(results):
        cells += [new_markdown_cell(_caption(say, "grid")), new_code_cell(_GRID)]
    if leading(results) is not results:
        told = say("page.leading", shown=len(leading(results).models), all=len(results.models))
        cells += [new_markdown_cell(told), new_code_cell(_MANY)]
    for key, call in _figures(results):
        cells.append(new_markdown_cell(_caption(say, key)))
        cells.append(new_code_cell(f"SVG(figures.to_svg({call}))"))
        if key == "pairs" and results.chain_sentences:
            cells += [new_markdown_cell(say("notebook.chain")), new_code_cell(_CHAIN)]
    for section in comparison.sections(say.code).values():
        cells.append(new_markdown_cell(f"### {_plain(section.title)}\n\n{_plain(section.lead)}"))
        cells.append(new_code_cell(_SECTION.replace("{key}", section.key)))
    cells += [new_markdown_cell(say("notebook.look")), new_code_cell(_LOOK)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # nbformat draws these at random; the same report is the same file
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook: nbformat.NotebookNode = new_notebook(cells=cells, metadata=metadata)
    return notebook


def write_notebook(comparison: Comparison, folder: Path, lang: str | None = None) -> Path:
    """Execute the notebook in `folder`, where `results.json` stands, and write `report.ipynb` there.

    Raises:
        InputError: no kernel could be started, or a cell failed (its last line is quoted).
    """
    notebook = make_notebook(comparison, lang)
    client = NotebookClient(
        notebook, timeout=_SECONDS, record_timing=False, resources={"metadata": {"path": str(folder)}}
    )
    remedy = "Use --no-notebook to write the report without it"
    try:
        with tempfile.TemporaryDirectory(prefix="lmc") as sockets:
            manager = client.create_kernel_manager()
            if os.name == "posix":
                # Sockets in a private folder, in place of ports that every user of the machine can read.
                manager.transport, manager.ip = "ipc", str(Path(sockets) / "k")
            client.execute()
    except CellExecutionError as error:
        last = f"{error.ename}: {error.evalue}".strip()
        raise InputError(
            f"a cell of the notebook failed: {last}", where=str(folder / NAME), remedy=remedy
        ) from error
    except (DeadKernelError, RuntimeError, OSError, TimeoutError) as error:
        what = f"the notebook could not be executed: {str(error) or type(error).__name__}"
        raise InputError(what, where=str(folder / NAME), remedy=remedy) from error
    path = folder / NAME
    files.write_text(path, nbformat.writes(notebook) + "\n")
    return path


def _figures(results: Results) -> list[tuple[str, str]]:
    """Key of the caption, and what to type, for each figure that has something to show."""
    found = [
        ("perplexity", "figures.perplexities(results, lang)"),
        ("curve", "figures.learning_curve(results, lang)"),
    ]
    if results.comparisons:
        found.append(("pairs", "figures.paired_differences(results, lang)"))
    found += [
        ("surprisal", f"figures.surprisals(results, {number}, lang)")
        for number in range(len(results.chain_sentences))
    ]
    contexts = max((len(model.predictions) for model in results.models), default=0)
    found += [("next", f"figures.next_tokens(results, {number}, lang)") for number in range(contexts)]
    costs = [("cost", "figures.cost_quality(results, lang)"), ("size", "figures.size_quality(results, lang)")]
    return found + costs


def _caption(say: Language, key: str) -> str:
    return f"### {say(f'figure.{key}.title')}\n\n{say(f'figure.{key}.caption')}"


def _plain(text: str) -> str:
    """A title as Markdown shows it letter for letter: a notebook renders HTML in Markdown."""
    return html.escape(" ".join(text.split()), quote=False)
