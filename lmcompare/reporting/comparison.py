"""One comparison, many renderers: everything that one experiment found, ready to be shown.

Reads `results.json` and hands out sentences and tables; computes no statistic and draws nothing.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lmcompare.errors import InputError
from lmcompare.evaluation.results import SCHEMA_VERSION, Results
from lmcompare.reporting.grid import grid_findings, grid_tables
from lmcompare.reporting.language import language
from lmcompare.reporting.ordering import MANY
from lmcompare.reporting.ranked import ranked_table
from lmcompare.reporting.section import Section
from lmcompare.reporting.sections import sections
from lmcompare.reporting.table import Table
from lmcompare.reporting.verdict import cautions, findings, verdict


class Comparison:
    """Models compared on one text. In a notebook it shows itself as the ranked table.

    Attributes:
        results: the content of `results.json`.
        lang: the language in which it shows itself where none is named.
    """

    def __init__(self, results: Results, lang: str = "en") -> None:
        self.results = results
        self.lang = language(lang).code

    @classmethod
    def read(cls, path: str | Path, lang: str = "en") -> Comparison:
        """The comparison that a `results.json` holds.

        Raises:
            InputError: no such file, not JSON, or not the documented schema; names the field.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            remedy = "Run the experiment first, or give the path of its results.json"
            raise InputError("the results cannot be read", where=str(path), remedy=remedy) from error
        except UnicodeDecodeError:
            raise InputError("the file is not UTF-8 text", where=str(path)) from None
        try:
            return cls(Results.model_validate_json(text), lang)
        except ValidationError as error:
            raise _explained(path, text, error) from None

    def verdict(self, lang: str | None = None) -> str:
        """One sentence with its uncertainty: who predicts best, by how much, on what text."""
        return verdict(self.results, language(lang or self.lang))

    def findings(self, lang: str | None = None) -> list[str]:
        """What else the numbers say, a sentence each."""
        return findings(self.results, language(lang or self.lang))

    def cautions(self, lang: str | None = None) -> list[str]:
        """What to mind before quoting the numbers, a sentence each."""
        return cautions(self.results, language(lang or self.lang))

    def table(self, lang: str | None = None) -> Table:
        """The ranked table, its cells formatted; every renderer draws this one."""
        return ranked_table(self.results, language(lang or self.lang))

    def grid(self, lang: str | None = None) -> list[Table]:
        """The tables of the experiment's grids; none where it has no grid."""
        return grid_tables(self.results, language(lang or self.lang))

    def grid_findings(self, lang: str | None = None) -> list[str]:
        """What is best of each grid, a sentence each."""
        return grid_findings(self.results, language(lang or self.lang))

    def sections(self, lang: str | None = None) -> dict[str, Section]:
        """The sections of the analyses that were made, by name."""
        return sections(self.results, lang or self.lang)

    def left_out(self, lang: str | None = None) -> str:
        """The sentence that says how many of the models stand in a shortened table."""
        say = language(lang or self.lang)
        return say("table.more", shown=MANY, all=len(self.results.models))

    def to_dict(self, lang: str | None = None) -> dict[str, Any]:
        """Verdict, findings, cautions, table, and the results themselves, as plain JSON values."""
        return {
            "verdict": self.verdict(lang),
            "findings": self.findings(lang),
            "cautions": self.cautions(lang),
            "table": self.table(lang).to_dict(),
            "results": json.loads(self.results.model_dump_json()),
        }

    def __repr__(self) -> str:
        return f"Comparison({self.results.name!r}: {', '.join(m.name for m in self.results.models)})"

    def _repr_html_(self) -> str:
        """The ranked table and the verdict, for notebooks."""
        table = self.table()
        heads = "".join(
            f'<th style="text-align:{column.align}" title="{html.escape(column.meaning)}">'
            f"{html.escape(column.label)}</th>"
            for column in table.columns
        )
        rows = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:{column.align}">{html.escape(cell.text)}</td>'
                for column, cell in zip(table.columns, row, strict=True)
            )
            + "</tr>"
            for row in table.rows
        )
        return (
            f"<p><strong>{html.escape(self.verdict())}</strong></p>"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        )


def _explained(path: Path, text: str, error: ValidationError) -> InputError:
    """The first fault of a results file in one sentence, with its field and what to do."""
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        return InputError(
            f"not JSON: {fault['ctx']['error']}", where=str(path), remedy="Run the experiment again"
        )
    raw = json.loads(text)
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version != SCHEMA_VERSION:
        what = f"results of schema version {version} are not known (this lmcompare reads {SCHEMA_VERSION})"
        return InputError(what, where=str(path), remedy="Use the lmcompare that wrote them, or run again")
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
    others = f" (and {len(error.errors()) - 1} more)" if len(error.errors()) > 1 else ""
    what = f"not the results of an experiment: {fault['msg'][:1].lower()}{fault['msg'][1:]}{others}"
    return InputError(
        what, where=f"{path}, {field}" if field else str(path), remedy="Run the experiment again"
    )
