"""Results of an experiment that was never run, in all the variants that a report must bear."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lmcompare.evaluation.results import (
    BackoffStep,
    Candidate,
    ChainStep,
    CorpusInfo,
    Cost,
    CurvePoint,
    Explanation,
    Generation,
    ModelResult,
    PairedDifference,
    Prediction,
    Ranking,
    Results,
    Sample,
    Scores,
    SplitInfo,
    TokenizerInfo,
    Variation,
)

EVIL = "<script>alert('x')</script>\"&"
SENTENCES = {
    "en": ["the cat sat on the mat because it was warm", "a function returns the value of its last line"],
    "zh": ["我 今天 去 超市 买 了 两 斤 苹果", "明天 下午 我们 学校 没有 课"],
}
PROMPTS = {"en": ["the cat", "a function"], "zh": ["我 今天", "明天"]}
TITLES = {"en": "Python's own documentation", "zh": "超市、学校与天气（合成语料）"}


def scores(rng: np.random.Generator, perplexity: float, lang: str, seeds: int, *, zeros: int = 0) -> Scores:
    bits = math.log2(perplexity)
    per_char = bits / (5.6 if lang == "en" else 1.7)
    shown = math.inf if zeros else perplexity
    width = 0.024 * perplexity
    return Scores(
        events=245_569,
        perplexity=shown,
        bits_per_token=math.log2(shown) if not zeros else math.inf,
        bits_per_char=math.inf if zeros else per_char,
        bits_per_byte=math.inf if zeros else per_char / (1 if lang == "en" else 2.9),
        bits_per_word=(bits if not zeros else math.inf) if lang == "en" else None,
        ci95=(shown - width, shown + width) if not zeros else (math.inf, math.inf),
        unit="documents",
        unk_events=14_012 if lang == "en" else 0,
        perplexity_without_unk=shown * 1.21,
        zero_probability_events=zeros,
        mean_context=3.4,
        perplexity_by_seed=[shown + float(x) for x in rng.normal(0, 0.5, seeds)] if not zeros else [shown],
        variation=None
        if zeros
        else Variation(
            texts_bits=0.0177,
            texts_perplexity=0.0123 * perplexity,
            seeds_bits=0.0061 if seeds > 1 else None,
            seeds_perplexity=0.0042 * perplexity if seeds > 1 else None,
        ),
    )


def make(
    lang: str = "en",
    *,
    models: int = 3,
    infinite: bool = False,
    generation: bool = True,
    tie: bool = False,
    spaces: bool = False,
    lossy: bool = True,
    compared: bool = True,
    evil: bool = False,
) -> Results:
    rng = np.random.default_rng(7)
    names = [
        ("5-gram KN", "ngram", 220.14, 214.3),
        ("LSTM 2×512", "lstm", 121.9, 139.2),
        ("transformer", "transformer", 121.5 if tie else 104.2, 133.8),
    ][:models]
    scale = 1.0 if lang == "en" else 0.2
    found = []
    for index, (name, kind, native, matched) in enumerate(names):
        neural = kind != "ngram"
        seeds = [1, 2] if neural else [1]
        zeros = 37 if infinite and not neural else 0
        steps = np.geomspace(2e5, 1.2e7, 12)
        curve = [
            CurvePoint(
                tokens=int(step),
                seconds=float(step / 2e4),
                valid_bits_per_token=math.log2(native * scale) + 2.5 * float((2e5 / step) ** 0.6),
            )
            for step in steps
        ]
        if not neural:
            curve = [
                CurvePoint(tokens=2_088_628, seconds=6.1, valid_bits_per_token=math.log2(native * scale))
            ]
        chains = [
            [
                ChainStep(token=token, logprob=-float(rng.gamma(2.0, 1.6)))
                for token in [*sentence.split(), "</s>"]
            ]
            for sentence in SENTENCES[lang]
        ]
        if zeros:
            chains[0][3] = ChainStep(token=chains[0][3].token, logprob=-math.inf)
        if evil:
            chains[0][2] = ChainStep(token=EVIL, logprob=-3.0)
        predictions = [
            Prediction(
                context=prompt,
                candidates=[
                    Candidate(token=token, probability=float(p))
                    for token, p in zip(
                        SENTENCES[lang][1].split(), np.sort(rng.dirichlet(np.ones(12)))[::-1], strict=False
                    )
                ],
            )
            for prompt in PROMPTS[lang]
        ]
        samples = [
            Sample(
                prompt=prompt, text=(EVIL if evil else "") + SENTENCES[lang][1] + "\n" + SENTENCES[lang][0]
            )
            for prompt in PROMPTS[lang]
        ]
        own = spaces and kind == "transformer"
        splits = {
            split: {
                "native": scores(rng, native * scale, lang, len(seeds), zeros=zeros),
                "matched": scores(rng, matched * scale, lang, len(seeds), zeros=zeros),
            }
            for split in ("valid", "test")
        }
        found.append(
            ModelResult(
                name=name,
                kind=kind,
                seeds=seeds,
                summary="order 5, modified Kneser-Ney" if not neural else "2 layers, width 512, dropout 0.3",
                tokenizer=TokenizerInfo(
                    kind="bpe" if own else "word" if lang == "en" else "char",
                    size=33_280 if lang == "en" else 312,
                    fingerprint="b" * 16 if own else "a" * 16,
                    lossy="words outside the vocabulary become <unk>"
                    if lossy and lang == "en" and not own
                    else "",
                ),
                context=None if kind == "lstm" else 4 if kind == "ngram" else 256,
                policy="document" if neural else "sentence",
                splits=splits,
                cost=Cost(
                    parameters=[11_204_551, 24_900_000, 19_400_000][index],
                    bytes=[180_000_000, 99_600_000, 77_700_000][index],
                    train_seconds=[6.1, 566.0, 488.0][index],
                    score_tokens_per_second=[1_900_000, 21_300, 32_800][index],
                    generate_tokens_per_second=[5200, 910, 640][index],
                    peak_memory_bytes=[900_000_000, 1_310_000_000, 1_480_000_000][index],
                ),
                curve=curve,
                generation=_generation(index) if generation else None,
                chains=chains,
                predictions=predictions,
                samples=samples if generation else [],
                explanation=None if neural else _explanation(SENTENCES[lang][0], evil),
                drawn=neural,
            )
        )
    order = [model.name for model in sorted(found, key=lambda m: m.splits["test"]["native"].perplexity)]
    facts: dict[str, float | str] = {"source": "written for this test"}
    if lang == "zh":
        facts["entropy_bits_per_token"] = 3.871
    return Results(
        signature="lmcompare 0.1.0|corpus:demo@1f2e|split:test|unit:documents|seeds:1,2",
        name="demo",
        title=(EVIL if evil else "") + ("Three families" if lang == "en" else "三类模型"),
        command="lmcompare run reports/demo/experiment.toml",
        experiment={"corpus": {"name": "demo"}, "models": [{"kind": kind} for _, kind, *_ in names]},
        environment={"lmcompare": "0.1.0", "python": "3.12", "threads": "2"},
        corpus=CorpusInfo(
            name="demo",
            title=EVIL if evil else TITLES[lang],
            language=lang,
            licence="CC0",
            hash="0123456789abcdef",
            splits={
                "train": SplitInfo(documents=600, sentences=23_767, words=2_051_910 if lang == "en" else None,
                                   characters=10_780_437, bytes=10_797_148),
                "valid": SplitInfo(documents=60, sentences=2461, words=213_886 if lang == "en" else None,
                                   characters=1_120_192, bytes=1_121_681, duplicates=12, overlap_13=0.0006),
                "test": SplitInfo(documents=62, sentences=2891, words=241_211 if lang == "en" else None,
                                  characters=1_255_018, bytes=1_256_449, duplicates=9, overlap_13=0.0008),
            },
            facts=facts,
        ),
        models=found,
        human=_generation(3) if generation else None,
        human_samples=[Sample(prompt=p, text=SENTENCES[lang][0]) for p in PROMPTS[lang]] if generation else [],  # noqa: E501
        chain_sentences=list(SENTENCES[lang]),
        comparisons=_pairs(found, spaces) if compared else [],
        ranking=Ranking(
            unit="bits_per_byte" if spaces else "bits_per_token",
            policy="native",
            order=[model.name for model in found] if spaces and lossy else order,
            refused="the models predict different tokens, and 5-gram KN need not predict all of the text"
            if spaces and lossy
            else "",
            letters={} if not compared or models < 2 or (spaces and lossy) else _letters(order, tie),
        ),
    )  # fmt: skip


def _letters(order: list[str], tie: bool) -> dict[str, str]:
    """What `_pairs` tells apart: all, or all but the first two."""
    return dict(zip(order, "aab" if tie else "abc", strict=False))


def _explanation(sentence: str, evil: bool) -> Explanation:
    tokens = sentence.split()
    parts = [
        (2, (2, 9), (2, 9), 0.1, 0.1),
        (1, (5, 90), (3, 20), 0.1, 0.04),
        (0, (70, 9000), (40, 900), 0.05, 0.008),
    ]
    steps = [
        BackoffStep(
            order=length + 1,
            context=tokens[len(tokens) - 1 - length : -1],
            seen=seen,
            counted=counted,
            kinds=seen != counted,
            discount=0.9,
            own=own,
            weight=0.4,
            share=share,
        )
        for length, seen, counted, own, share in parts
    ]
    return Explanation(token=EVIL if evil else tokens[-1], interpolated=True, steps=steps, probability=0.148)


def _generation(index: int) -> Generation:
    return Generation(
        samples=50, length=100, unit="words", distinct_1=0.31 + 0.05 * index, distinct_2=0.72 + 0.05 * index,
        distinct_3=0.9 + 0.02 * index, repetition_4=0.02, self_bleu=18.0 - 2 * index,
        mean_sentence_length=21.3, seen_2=0.93 - 0.02 * index, seen_4=0.55 - 0.1 * index,
        seen_8=0.12 - 0.03 * index, longest_copy=7.4 - index,
    )  # fmt: skip


def _pairs(models: list[ModelResult], spaces: bool) -> list[PairedDifference]:
    pairs = []
    for policy in ("native", "matched"):
        for place, a in enumerate(models):
            for b in models[place + 1 :]:
                one, other = a.splits["test"][policy], b.splits["test"][policy]
                delta = one.bits_per_token - other.bits_per_token
                half = 0.0 if math.isinf(delta) else 0.031
                foreign = spaces and a.tokenizer.fingerprint != b.tokenizer.fingerprint
                value = delta / 5.6 if foreign else delta
                wide = 0.035 if foreign else 0.05
                near = abs(delta / 5.6 if foreign else delta) < half
                pairs.append(
                    PairedDifference(
                        a=a.name,
                        b=b.name,
                        split="test",
                        policy=policy,
                        delta_bits_per_token=None if foreign else delta,
                        delta_bits_per_byte=delta / 5.6,
                        ci95=(delta / 5.6 - half, delta / 5.6 + half)
                        if foreign
                        else (delta - half, delta + half),
                        bca95=None if math.isinf(delta) else (value - half - 0.004, value + half),
                        seeds95=None if math.isinf(delta) else (value - wide, value + wide),
                        sd_texts=None if math.isinf(delta) else 0.0158,
                        sd_seeds=None if math.isinf(delta) else 0.0197,
                        p_wilcoxon=0.28 if near else 0.0002,
                        detectable=None if math.isinf(delta) else 0.0512,
                        p=0.31 if near else 0.0001,
                        p_holm=0.62 if near else 0.0003,
                        unit="documents",
                        units=62,
                    )
                )
    return pairs


@pytest.fixture
def make_results() -> Callable[..., Results]:
    return make


VARIANTS = {
    "usual": {},
    "tie": {"tie": True},
    "single": {"models": 1},
    "infinite": {"infinite": True},
    "no generation": {"generation": False},
    "two event spaces": {"spaces": True},
    "ranked by bytes": {"spaces": True, "lossy": False},
    "no pairs": {"compared": False},
    "evil": {"evil": True},
}


@pytest.fixture(params=[f"{lang}, {name}" for lang in ("en", "zh") for name in VARIANTS])
def variant(request: pytest.FixtureRequest) -> tuple[str, str, Results]:
    """Language, name of the variant, results."""
    lang, name = request.param.split(", ", 1)
    return lang, name, make(lang, **VARIANTS[name])
