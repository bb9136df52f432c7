from collections.abc import Callable
from pathlib import Path

import pytest

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.evaluation.results import Results
from lmcompare.reporting.html import to_html
from lmcompare.reporting.report import write_report


def test_the_page_on_disk_is_what_the_renderer_made(
    make_results: Callable[..., Results], tmp_path: Path
) -> None:
    from lmcompare.reporting.comparison import Comparison

    results = make_results("zh")
    assert write_report(results, tmp_path, "zh", notebook=False) == [tmp_path / "report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == to_html(Comparison(results, "zh"))


def test_a_full_disk_is_told_and_leaves_the_old_page_whole(
    make_results: Callable[..., Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "report.html"
    page.write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(InputError, match="Free some space"):
        write_report(make_results(), tmp_path, notebook=False)
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]
