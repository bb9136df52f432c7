import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from lmcompare.errors import InputError
from lmcompare.evaluation.results import Results
from lmcompare.reporting.comparison import Comparison
from lmcompare.reporting.notebook import make_notebook, write_notebook


def test_every_variant_makes_a_valid_notebook_with_one_cell_of_parameters(
    variant: tuple[str, str, Results],
) -> None:
    lang, _, results = variant
    notebook = make_notebook(Comparison(results, lang))
    nbformat.validate(notebook)
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1 and "results_path" in tagged[0].source
    assert "<script" not in "".join(c.source for c in notebook.cells if c.cell_type == "markdown")


@pytest.mark.slow
def test_the_executed_notebook_shows_the_verdict_and_draws_every_figure(
    make_results: Callable[..., Results], tmp_path: Path
) -> None:
    results = make_results("en", infinite=True)
    (tmp_path / "results.json").write_text(results.model_dump_json())
    path = write_notebook(Comparison(results), tmp_path)
    first = path.read_bytes()
    notebook = json.loads(first)
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert Comparison(results).verdict() in json.loads(first.decode())["cells"][4]["outputs"][0]["data"][
        "text/html"
    ][0].replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">")
    drawn = [output for output in outputs if "image/svg+xml" in output.get("data", {})]
    asked = [cell for cell in notebook["cells"] if "figures.to_svg(" in "".join(cell["source"])]
    assert len(drawn) == len(asked) >= 6
    assert write_notebook(Comparison(results), tmp_path).read_bytes() == first


@pytest.mark.slow
def test_a_cell_that_fails_is_told_and_no_notebook_is_left(
    make_results: Callable[..., Results], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"a cell of the notebook failed.*results cannot be read"):
        write_notebook(Comparison(make_results()), tmp_path)  # no results.json stands there
    assert not list(tmp_path.iterdir())
