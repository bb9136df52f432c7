from __future__ import annotations

import pytest

from lmcompare.evaluation.results import Analyses, Truth, TruthKind, TruthRow
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.language import language
from lmcompare.reporting.sections import sections
from lmcompare.reporting.sections.truth import WHY, families, growth

KINDS = ("chain-word", "copied", "mine", "end")


def row(model: str, bits: float, chain: float, copied: float) -> TruthRow:
    kinds = [
        TruthKind(kind=kind, share=0.25, bits=value, ci95=(value * 0.9, value * 1.1), wrong=value / 10)
        for kind, value in zip(KINDS, (chain, copied, 0.5, 0.0), strict=True)
    ]
    return TruthRow(
        model=model, events=100, exact=True, bits=bits, ci95=(bits * 0.9, bits * 1.1), drawn=bits - 0.01,
        drawn_ci95=(bits - 0.03, bits + 0.01), impossible_ci95=(0.012, 0.028),
        character_ci95=(bits * 0.45, bits * 0.55),
        true_bits=2.1, choice=0.01, impossible=0.02, kinds=kinds, bits_per_character=bits / 2,
    )  # fmt: skip


@pytest.fixture
def known(make_results):
    """An n-gram that counts and a transformer that copies, both from little and from much text."""
    results = make_results()
    ngram, lstm, transformer = (model.name for model in results.models)
    sizes = {f"{ngram}, 10": (ngram, 10), f"{transformer}, 10": (transformer, 10)}
    kinds = {model.name: model.kind for model in results.models}
    models = [{"name": name, "kind": kind} for name, kind in kinds.items()]
    models += [
        {"name": name, "kind": kinds[of], "train_sentences": size} for name, (of, size) in sizes.items()
    ]
    rows = [
        row(ngram, 0.6, 0.1, 3.0),
        row(lstm, 0.4, 0.7, 1.0),
        row(transformer, 0.2, 0.8, 0.01),
        row(f"{ngram}, 10", 1.2, 0.9, 3.0),
        row(f"{transformer}, 10", 1.5, 1.8, 2.9),
    ]
    truth = Truth(split="test", entropy=2.125, entropy_error=0.01, rows=rows)
    return results.model_copy(
        update={
            "experiment": {**results.experiment, "models": models},
            "analyses": Analyses(truth=truth),
        }
    )


def test_models_that_differ_in_their_amount_of_text_are_one_family(known):
    found = families(known, known.analyses.truth)
    assert [[size for size, _ in family.rows] for family in found] == [[10, 23_767], [23_767], [10, 23_767]]
    assert [family.last.bits for family in found] == [0.6, 0.4, 0.2]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_section_says_who_wins_where_and_why(known, lang):
    section, say = sections(known, lang)["truth"], language(lang)
    ngram, _, transformer = (model.name for model in known.models)
    text = "\n".join(section.findings)
    assert "2.100" in text and "2.125" in text and "0.020" in text
    chain, copied = (
        next(line for line in section.findings if line.startswith(say(f"truth.kind_{kind}")))
        for kind in ("chain-word", "copied")
    )
    assert chain.index(ngram) < chain.index(transformer) and chain.endswith(say("truth.why_chain-word"))
    assert copied.index(transformer) < copied.index(ngram) and copied.endswith(say("truth.why_copied"))
    totals, by_kind = section.parts[-2:]
    assert [cells[0].text for cells in totals.rows][0] == transformer
    assert [cells[0].text for cells in by_kind.rows] == [
        say("truth.kind_chain-word"),
        say("truth.kind_copied"),
        "mine",
    ]
    assert [cells[2].text for cells in by_kind.rows] == [
        "0.100 [0.090, 0.110]",
        "3.00 [2.70, 3.30]",
        "0.500 [0.450, 0.550]",
    ]
    assert totals.texts()[0][1:4] == ["0.200 [0.180, 0.220]", "0.100 [0.090, 0.110]", "0.190 [0.170, 0.210]"]
    assert totals.texts()[0][4].startswith("2.00 [1.20, 2.80]")
    learning = section.findings[-2]
    assert "1.20 [1.08, 1.32]" in learning and "0.600 [0.540, 0.660]" in learning
    assert "0.100 [0.090, 0.110]" in chain and "0.800 [0.720, 0.880]" in chain
    page = to_html(Comparison(known, lang))
    assert 'href="#truth"' in page and 'id="truth"' in page


def test_no_reason_is_given_where_another_family_wins(known):
    say, rows = language("en"), known.analyses.truth.rows
    turned = [rows[0].model_copy(update={"kinds": rows[2].kinds}), rows[1]]
    turned.append(rows[2].model_copy(update={"kinds": rows[0].kinds}))
    truth = known.analyses.truth.model_copy(update={"rows": turned})
    results = known.model_copy(update={"analyses": Analyses(truth=truth)})
    text = "\n".join(sections(results)["truth"].findings)
    assert not any(say(f"truth.why_{kind}") in text for kind in WHY)


def test_the_floor_of_every_axis_is_zero(known):
    section, say = sections(known)["truth"], language("en")
    for axes in section.parts[0].figure.axes:
        assert axes.get_xlim()[0] == 0
    drawn = growth(families(known, known.analyses.truth), ["chain-word", "copied"], say)
    shown = [axes for axes in drawn.axes if axes.get_visible()]
    assert len(shown) == 3 and all(axes.get_ylim()[0] <= 0 for axes in shown)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_entropy_is_told_where_none_is_known(known, lang):
    truth = known.analyses.truth.model_copy(update={"entropy": float("nan")})
    results = known.model_copy(update={"analyses": Analyses(truth=truth)})
    assert sections(results, lang)["truth"].findings[0] == language(lang)("truth.floor_text", bits="2.100")


def test_without_a_source_there_is_no_section(make_results):
    assert "truth" not in sections(make_results())
