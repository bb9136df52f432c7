from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from lmcompare.evaluation.results import Results
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.language import language

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
LOADING = "src href xlink:href action data poster srcset formaction background ping".split()


class Page(HTMLParser):
    """A page taken apart; a tag that is closed out of turn is a failure."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.feed(text)
        self.close()
        assert self.open == [], "these were never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute stands twice in {tag}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self.open), data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def inside(self, tag: str) -> str:
        return "".join(text for stack, text in self.texts if tag in stack)

    def visible(self) -> str:
        """What is read on the page; not the data's own words in figures, code and samples."""
        hidden = {"style", "script", "svg", "code", "blockquote", "title", "select"}
        return "\n".join(text for stack, text in self.texts if text.strip() and not hidden & set(stack))


_PAGES: dict[tuple[str, str], tuple[str, Page]] = {}


def drawn(lang: str, name: str, results: Results) -> tuple[str, Page]:
    """A page and its parts; drawn once for all tests."""
    if (lang, name) not in _PAGES:
        text = to_html(Comparison(results, lang))
        _PAGES[lang, name] = text, Page(text)
    return _PAGES[lang, name]


@pytest.fixture
def page(variant: tuple[str, str, Results]) -> tuple[str, str, str, Page]:
    """Language, variant, text and parts of a page."""
    lang, name, results = variant
    return (lang, name, *drawn(lang, name, results))


def test_every_page_is_well_formed_with_ids_that_are_unique(page: tuple[str, str, str, Page]) -> None:
    _, _, text, parts = page
    assert text.startswith("<!DOCTYPE html>\n")
    ids = [attributes["id"] for _, attributes in parts.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in parts.of("a") + parts.of("use"):
        target = attributes.get("href") or attributes.get("xlink:href") or ""
        assert target.startswith("#") and target[1:] in ids
    assert {attributes["for"] for attributes in parts.of("label")} <= set(ids)


def test_no_page_loads_anything(page: tuple[str, str, str, Page]) -> None:
    _, _, _, parts = page
    for tag, attributes in parts.tags:
        for name in LOADING:
            value = attributes.get(name)
            assert value is None or value.startswith("#") or value == "data:,", f"{tag} loads {value}"
        for value in attributes.values():
            assert re.findall(r"url\((?!#)", value or "") == []
        assert tag not in ("iframe", "object", "embed", "base", "img", "form")
        assert not any(name.startswith("on") for name in attributes)
    styles, script = parts.inside("style"), parts.inside("script")
    assert re.findall(r"url\((?!#)|@import|@font-face", styles) == []
    assert not re.search(r"https?:|fetch|XMLHttpRequest|import\b|eval|innerHTML|WebSocket|sendBeacon", script)


def test_only_the_shipped_script_may_run(page: tuple[str, str, str, Page]) -> None:
    _, _, _, parts = page
    assert len(parts.of("script")) == 1 and parts.of("script")[0] == {}
    (policy,) = (a["content"] for a in parts.of("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    digest = base64.b64encode(hashlib.sha256(parts.inside("script").encode()).digest()).decode()
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}'"


def test_every_page_is_tagged_with_its_language(page: tuple[str, str, str, Page]) -> None:
    lang, _, _, parts = page
    assert parts.of("html") == [{"lang": {"en": "en", "zh": "zh-Hans"}[lang]}]


def test_the_verdict_every_finding_and_every_caution_is_on_the_page(
    page: tuple[str, str, str, Page], variant: tuple[str, str, Results]
) -> None:
    lang, _, _, parts = page
    comparison = Comparison(variant[2], lang)
    seen = parts.visible().replace("\u00a0", " ")
    for sentence in [comparison.verdict(), *comparison.findings(), *comparison.cautions()]:
        assert sentence.replace("\u00a0", " ") in seen


def test_every_row_of_every_table_has_a_cell_for_each_head(page: tuple[str, str, str, Page]) -> None:
    _, _, text, _ = page
    tables = re.findall(r"<table.*?</table>", text, re.DOTALL)
    assert len(tables) >= 5
    for table in tables:
        rows = [len(re.findall(r"<t[hd]\b", row)) for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)]
        assert len(set(rows)) == 1


def test_every_figure_says_what_it_shows(page: tuple[str, str, str, Page]) -> None:
    _, _, _, parts = page
    figures = parts.of("svg")
    assert len(figures) >= 5
    assert all(figure["role"] == "img" and figure["aria-label"] for figure in figures)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_data_hold_is_shown_and_never_run(make_results: Callable[..., Results], lang: str) -> None:
    results = make_results(lang, evil=True)
    evil = results.corpus.title
    assert evil.startswith("<script>")
    for model in results.models:
        model.summary = model.tokenizer.lossy = model.tokenizer.kind = evil
        for prediction in model.predictions:
            prediction.context = evil
            prediction.candidates[0].token = evil
        for sample in model.samples:
            sample.prompt = evil
    results.models[0].name = evil
    results.models[0].tokenizer.fingerprint = evil
    results.ranking.order[results.ranking.order.index("5-gram KN")] = evil
    results.chain_sentences[0] = evil
    results.corpus.language = results.corpus.licence = results.signature = results.command = evil
    results.corpus.facts[evil] = evil
    results.environment[evil] = evil
    results.experiment["corpus"][evil] = evil
    text = to_html(Comparison(results, lang))
    parts = Page(text)
    assert len(parts.of("script")) == 1
    assert "<script>alert" not in text and "alert('x')</script>" not in text
    assert not any("alert" in name for _, attributes in parts.tags for name in attributes)
    places = "title h1 h2 h3 h4 option th td dt dd code blockquote svg"
    for tag in places.split():
        assert evil in parts.inside(tag), tag
    assert evil.replace(" ", "␣") in parts.inside("div")  # as a token


def test_a_chinese_page_is_in_chinese(page: tuple[str, str, str, Page]) -> None:
    lang, _, _, parts = page
    seen = parts.visible()
    here, other = language(lang), language({"en": "zh", "zh": "en"}[lang])
    for key, text in other.strings.items():
        for piece in re.split(r"\{\w+\}", text):
            foreign = len(piece) > 12 or bool(re.search("[一-鿿]{2}", piece))
            if foreign and piece not in "\n".join(here.strings.values()):
                assert piece not in seen, key
    if lang == "en":
        assert not re.search("[一-鿿]", "".join(re.findall(r"<svg.*?</svg>", page[2], re.DOTALL)))


def test_a_chinese_page_has_no_english_words_but_names(make_results: Callable[..., Results]) -> None:
    results = make_results("zh")
    for model in results.models:
        model.summary = "2 层"
    results.environment, results.corpus.facts = {"python": "3.12"}, {"entropy_bits_per_token": 3.871}
    parts = Page(to_html(Comparison(results, "zh")))
    names = {"lmcompare", "transformer", "Transformer", "LSTM", "gram", "Holm", "UTF", "CC", "Self", "BLEU",
             "Distinct", "unk", "python", "KN", "min", "MB", "GB", "log", "KenLM", "BCa",
             "Wilcoxon"}  # fmt: skip
    assert set(re.findall("[A-Za-z]{2,}", parts.visible())) <= names
    figures = set(re.findall("[A-Za-z]{2,}", parts.inside("svg")))
    assert figures <= names | {"CDATA"} | set(re.findall("[A-Za-z]{2,}", parts.inside("style")))


def test_sections_without_content_are_left_out_with_their_links(make_results: Callable[..., Results]) -> None:
    results = make_results(generation=False, compared=False)
    results.chain_sentences = []
    for model in results.models:
        model.chains, model.predictions = [], []
    parts = Page(to_html(Comparison(results)))
    sections = [attributes["id"] for attributes in parts.of("section")]
    assert not {"samples", "pairs", "chain", "next"} & set(sections)
    linked = [(attributes["href"] or "")[1:] for attributes in parts.of("a") if "class" not in attributes]
    assert linked == sections


def test_infinity_sorts_as_a_number(make_results: Callable[..., Results]) -> None:
    _, parts = drawn("en", "infinite", make_results(infinite=True))
    keys = [attributes["data-sort"] for _, attributes in parts.tags if "data-sort" in attributes]
    assert "Infinity" in keys and "-Infinity" in keys
    assert all(re.fullmatch(r"-?(Infinity|\d+(\.\d+)?(e[-+]?\d+)?)", key or "") for key in keys)


def test_no_line_ends_between_a_number_and_its_unit(make_results: Callable[..., Results]) -> None:
    seen = drawn("en", "usual", make_results())[1].visible()
    for text in ("95_% interval", "p_<_0.001", "[101.7,_106.7]", "8.1_min", "1.48_GB"):
        assert text.replace("_", "\u00a0") in seen


def test_tokens_are_shaded_by_their_surprisal(make_results: Callable[..., Results]) -> None:
    results = make_results(infinite=True)
    text, _ = drawn("en", "infinite", results)
    shades = [float(shade) for shade in re.findall(r'class="token" style="--s:([\d.]+)"', text)]
    steps = [step for name in results.ranking.order for step in _chain(results, name)]
    expected = [min(-step.logprob / 0.6931471805599453 / 14, 1.0) for step in steps]
    assert shades[: len(expected)] == pytest.approx(expected, abs=0.0051)
    assert 1.0 in shades


def _chain(results: Results, name: str) -> list:  # type: ignore[type-arg]
    return next(model for model in results.models if model.name == name).chains[0]


def test_the_same_results_make_the_same_page(make_results: Callable[..., Results]) -> None:
    assert to_html(Comparison(make_results(models=2))) == to_html(Comparison(make_results(models=2)))


def test_the_path_of_one_prediction_is_shown_for_each_ngram_model(
    make_results: Callable[..., Results],
) -> None:
    results = make_results()
    text, parts = drawn("en", "path", results)
    assert 'href="#explain"' in text and "5-gram KN: how “warm” gets its probability" in parts.visible()
    assert "P(warm | it was)" in parts.visible() and "3 of 20" in parts.visible()
    for model in results.models:
        model.explanation = None
    text, _ = drawn("en", "no path", results)
    assert 'id="explain"' not in text and 'href="#explain"' not in text
