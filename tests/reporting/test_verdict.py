from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest

from lmcompare.evaluation.results import Results
from lmcompare.reporting.language import Language, language
from lmcompare.reporting.verdict import cautions, findings, verdict

EN, ZH = language("en"), language("zh")


def test_every_variant_has_one_whole_sentence_in_its_language(variant: tuple[str, str, Results]) -> None:
    lang, _, results = variant
    say = language(lang)
    every = [verdict(results, say), *findings(results, say), *cautions(results, say)]
    for sentence in every:
        assert sentence.endswith("." if lang == "en" else "。"), sentence
        assert "{" not in sentence and "nan" not in sentence and "inf " not in sentence
        assert bool(re.search("[一-鿿]", sentence)) == (lang == "zh")
    assert "\n" not in every[0]


def test_the_winner_is_named_with_difference_interval_p_text_and_percent(
    make_results: Callable[..., Results],
) -> None:
    results = make_results()
    native = {model.name: model.splits["test"]["native"] for model in results.models}
    best, second = native["transformer"], native["LSTM 2×512"]
    delta = second.bits_per_token - best.bits_per_token
    percent = 100 * (1 - best.perplexity / second.perplexity)
    sentence = verdict(results, EN)
    assert sentence.startswith("transformer predicts best: on the test text of Python's own documentation")
    assert f"{delta:.3f} fewer bits per token than LSTM 2×512" in sentence
    assert f"95 % interval {delta - 0.031:.3f} to {delta + 0.031:.3f}" in sentence
    assert "p < 0.001 after Holm's correction; paired over 62 documents" in sentence
    low, high = (100 * (1 - 2 ** -(delta + half)) for half in (-0.031, 0.031))
    assert f"{percent:.0f} % lower ({low:.0f} to {high:.0f} %)" in sentence


def test_a_difference_that_may_be_chance_has_no_winner(make_results: Callable[..., Results]) -> None:
    assert verdict(make_results(tie=True), EN).startswith("No clear winner: ")
    assert verdict(make_results("zh", tie=True), ZH).startswith("没有明确的赢家：")


def test_a_clear_interval_that_the_corrected_test_does_not_support_has_no_winner(
    make_results: Callable[..., Results],
) -> None:
    results = make_results()
    for found in results.comparisons:
        found.p_holm = 0.07
    assert verdict(results, EN).startswith("No clear winner: ")


def test_where_the_paired_test_and_the_order_disagree_the_test_is_believed(
    make_results: Callable[..., Results],
) -> None:
    results = make_results()
    results.ranking.order = ["LSTM 2×512", "transformer", "5-gram KN"]
    assert verdict(results, EN).startswith("transformer predicts best: ")
    assert "than LSTM 2×512" in verdict(results, EN)


def test_one_model_is_compared_with_nothing(make_results: Callable[..., Results]) -> None:
    sentence = verdict(make_results(models=1), EN)
    assert sentence.startswith("5-gram KN reaches perplexity 220.1 [214.9, 225.4] on the test text")
    assert "nothing is compared" in sentence
    assert verdict(make_results(models=0), EN) == "No model was evaluated."


def test_without_a_paired_test_the_difference_may_be_chance(make_results: Callable[..., Results]) -> None:
    sentence = verdict(make_results(compared=False), EN)
    assert sentence.startswith("transformer comes first")
    assert "perplexity 104.2 [101.7, 106.7], before LSTM 2×512 with 121.9 [119.0, 124.8]" in sentence
    assert sentence.endswith("no paired test was made, so the difference may be chance.")


def test_a_refused_ranking_says_why(make_results: Callable[..., Results]) -> None:
    for say, why in (
        (EN, "not all of the text has to be predicted by A 5-gram (white space becomes one space"),
        (ZH, "不必预测全部文本：A 5-gram（连续空白变成一个空格，词表以外的词变成 <unk>）。"),
    ):
        results = make_results(say.code, spaces=True)
        for model in results.models:
            model.tokenizer.lossy = ""
        assert results.ranking.refused in verdict(results, say)
        first = results.models[0]
        first.name, first.tokenizer.kind, first.tokenizer.lossy = "A 5-gram", "word", "spaces"
        assert why in verdict(results, say)


def test_models_of_different_event_spaces_are_compared_per_byte(make_results: Callable[..., Results]) -> None:
    sentence = verdict(make_results(spaces=True, lossy=False), EN)
    assert sentence.startswith("transformer predicts best: ")
    assert "0.040 fewer bits per byte than LSTM 2×512" in sentence
    assert "%" not in sentence.replace("95 %", "")  # a share of which perplexity?


def test_a_runner_up_that_gave_zero_is_infinitely_worse(make_results: Callable[..., Results]) -> None:
    results = make_results(models=2, infinite=True)
    sentence = verdict(results, EN)
    assert sentence.startswith("LSTM 2×512 predicts best: ")
    assert "5-gram KN, the runner-up, gave 37 events probability zero" in sentence
    for scores in results.models[1].splits["test"].values():
        scores.perplexity = math.inf
    assert verdict(results, EN).startswith("No winner: ")


def about(sentences: list[str], start: str) -> str:
    found = [sentence for sentence in sentences if sentence.startswith(start)]
    assert len(found) == 1, sentences
    return found[0]


def test_the_best_of_both_families_are_compared_where_the_verdict_has_not_done_it(
    make_results: Callable[..., Results],
) -> None:
    results = make_results()
    bits = {model.name: model.splits["test"]["native"].bits_per_token for model in results.models}
    delta = bits["5-gram KN"] - bits["transformer"]
    sentence = about(findings(results, EN), "Neural against classical: ")
    assert f"transformer needs {delta:.3f} fewer bits per token than 5-gram KN" in sentence
    two = findings(make_results(models=2), EN)
    assert not any(sentence.startswith("Neural against") for sentence in two)


def test_models_that_cannot_be_told_apart_are_named_together(make_results: Callable[..., Results]) -> None:
    sentence = about(findings(make_results(tie=True), EN), "Cannot be told apart on this text: ")
    assert sentence.endswith(": transformer, LSTM 2×512.")
    assert not any(one.startswith("Cannot be told") for one in findings(make_results(), EN))


def test_of_a_tie_it_is_told_what_the_text_could_have_shown(make_results: Callable[..., Results]) -> None:
    sentence = about(findings(make_results(tie=True), EN), "What this text could have shown: ")
    assert "0.051 bits per token between transformer and LSTM 2×512" in sentence
    assert not any(one.startswith("What this text") for one in findings(make_results(), EN))


def test_of_a_clear_winner_it_is_told_whether_it_wins_over_seeds_too(
    make_results: Callable[..., Results],
) -> None:
    results = make_results()
    delta = math.log2(121.9) - math.log2(104.2)
    sentence = about(findings(results, EN), "Chance in training counted too, transformer still needs fewer")
    assert f"{delta - 0.05:.3f} to {delta + 0.05:.3f}" in sentence
    for found in results.comparisons:
        found.seeds95 = (-0.1, 0.2)
    sentence = about(findings(results, EN), "Chance in training counted too, ")
    assert "transformer and LSTM 2×512 may be equally good" in sentence
    assert about(findings(results, ZH), "把训练的偶然性也算进去，transformer 与 LSTM 2×512 可能不相上下")
    told = "With matched context, chance in training counted too, transformer and LSTM 2×512 may be equally"
    assert sum(one.startswith(told) for one in findings(results, EN)) == 1
    for found in results.comparisons:
        found.seeds95 = None
    assert not any(one.startswith("Chance in training") for one in findings(results, EN))


def test_a_classical_model_may_win(make_results: Callable[..., Results]) -> None:
    results = make_results()
    results.ranking.order = ["5-gram KN", "transformer", "LSTM 2×512"]
    results.models[0].kind, results.models[1].kind = "lstm", "kenlm"
    results.models[2].kind = "plug-in"
    assert about(findings(results, EN), "Classical against neural: ")


def test_matched_context_has_a_verdict_of_its_own(make_results: Callable[..., Results]) -> None:
    results = make_results()
    sentence = about(findings(results, EN), "With matched context")
    delta = math.log2(139.2) - math.log2(133.8)
    assert f"transformer predicts best: {delta:.3f} fewer bits per token than LSTM 2×512" in sentence
    for found in results.comparisons:
        if found.policy == "matched":
            found.p_holm = 0.4
    assert "the best two, transformer and LSTM 2×512, cannot be told apart" in about(
        findings(results, EN), "With matched context"
    )


def test_another_model_may_win_once_nobody_reads_across_lines(make_results: Callable[..., Results]) -> None:
    results = make_results(models=2)
    for found in results.comparisons:
        if found.policy == "matched":
            found.delta_bits_per_token, found.ci95, found.seeds95 = -0.4, (-0.5, -0.3), (-0.6, -0.2)
    for name, value in (("5-gram KN", 6.1), ("LSTM 2×512", 6.5)):
        scored = next(model for model in results.models if model.name == name).splits["test"]["matched"]
        scored.bits_per_token, scored.perplexity = value, 2**value
    assert verdict(results, EN).startswith("LSTM 2×512 predicts best")
    assert "5-gram KN predicts best: 0.40 fewer" in about(findings(results, EN), "With matched context")


def test_what_context_is_worth_is_told_of_models_that_read_on_only(
    make_results: Callable[..., Results],
) -> None:
    sentence = about(findings(make_results(), EN), "What context across lines is worth: ")
    assert "transformer goes from perplexity 104.2 to 133.8; LSTM 2×512 goes from" in sentence
    assert "5-gram" not in sentence


def test_the_exact_entropy_is_set_beside_the_best_model(make_results: Callable[..., Results]) -> None:
    results = make_results("zh")
    bits = results.models[2].splits["test"]["native"].bits_per_token
    sentence = about(findings(results, EN), "How much is left to learn: ")
    assert "3.871 bits per token" in sentence and f"transformer needs {bits:.3f}" in sentence
    results.corpus.facts["entropy_bits_per_token_given_topic"] = 3.5
    assert "and 3.500 for one who knows" in about(findings(results, EN), "How much is left to learn: ")


@pytest.mark.parametrize(("say", "about_it"), [(EN, "How much is left to learn: "), (ZH, "还有多少可学：")])
def test_an_entropy_that_was_estimated_is_told_with_its_uncertainty(
    make_results: Callable[..., Results], say: Language, about_it: str
) -> None:
    results = make_results("zh")
    results.corpus.facts["entropy_error_bits_per_token"] = 0.01
    assert "3.871 ± 0.020" in about(findings(results, say), about_it)
    results.corpus.facts["entropy_error_bits_per_token"] = 0.0
    assert "±" not in about(findings(results, say), about_it)


def test_zeros_unknown_words_duplicates_and_single_seeds_are_told(
    make_results: Callable[..., Results],
) -> None:
    results = make_results(infinite=True)
    results.models[1].seeds = [1]
    sentences = cautions(results, EN)
    assert about(sentences, "14,012 of 245,569 events are words outside the vocabulary")
    assert "infinite" in about(sentences, "5-gram KN gave 37 of 245,569 events probability zero")
    assert about(sentences, "9 of 2,891 test lines (0.31 %) also stand")
    assert about(sentences, "Trained once only (one seed): LSTM 2×512. ")


def test_few_resampled_units_are_told(make_results: Callable[..., Results]) -> None:
    results = make_results()
    assert not any("rest on" in sentence for sentence in cautions(results, EN))
    for found in results.comparisons:
        found.units, found.unit = 12, "sentences"
    assert about(cautions(results, EN), "The intervals rest on 12 sentences only")
    assert about(cautions(results, ZH), "置信区间只依据 12 个句子")


def test_lost_text_is_told_once_for_all_whom_it_spares_and_only_where_it_matters(
    make_results: Callable[..., Results],
) -> None:
    assert not any("does not keep" in sentence for sentence in cautions(make_results(), EN))
    sentence = about(cautions(make_results(spaces=True), EN), "The tokenizer of 5-gram KN, LSTM 2×512 ")
    assert "words outside the vocabulary become <unk>" in sentence


def test_nothing_is_cautioned_where_nothing_is_wrong(make_results: Callable[..., Results]) -> None:
    results = make_results("zh")
    results.corpus.splits["test"].duplicates = 0
    assert cautions(results, ZH) == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_split_other_than_test_is_named(make_results: Callable[..., Results], lang: str) -> None:
    results = make_results(lang, compared=False)
    for model in results.models:
        model.splits.pop("test")
    assert {"en": "validation text", "zh": "验证文本"}[lang] in verdict(results, language(lang))
