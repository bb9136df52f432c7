from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from lmcompare.__main__ import cli
from lmcompare.models.ngram.model import NgramModel

TEXT = "the cow sees a bird here"


def run(*words: str) -> str:
    result = CliRunner().invoke(cli, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def model(tiny: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "m"
    run("train", "ngram", str(tiny / "text.txt"), "--out", str(folder), "--set", "order=3")
    return folder


def rows(output: str) -> dict[str, list[str]]:
    """The last table, by unit."""
    cells = [line.strip("│ ").split("│") for line in output.splitlines() if line.startswith("│")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in cells if row[1].strip().isdigit()}


def test_every_unit_has_the_same_bits_and_what_is_unknown_is_charged(model: Path) -> None:
    shown = rows(run("score", TEXT, "--model", str(model), "--open-vocabulary", "64"))
    loaded = NgramModel.load(model)
    ids = loaded.tokenizer.encode_document([TEXT])
    bits = -loaded.score([ids])[0] / math.log(2)
    known = ids != loaded.tokenizer.unk
    assert (~known).sum() == 1  # cow
    sizes = {"event": (7, 6), "token": (6, 5), "word": (7, 6), "character": (25, 21), "byte": (25, 21)}
    assert list(shown) == list(sizes)
    for unit, (size, without) in sizes.items():
        count, per, perplexity, left, charged = shown[unit]
        assert int(count) == size
        assert float(per) == pytest.approx(bits.sum() / size, abs=6e-4)
        assert float(perplexity) == pytest.approx(2 ** (bits.sum() / size), rel=1e-3)
        assert float(left) == pytest.approx(bits[known].sum() / without, abs=6e-4)
        assert float(charged) == pytest.approx((bits.sum() + 6) / size, abs=6e-4)


def test_chinese_text_has_chinese_characters_and_no_words(tmp_path: Path) -> None:
    text, folder = tmp_path / "zh.txt", tmp_path / "m"
    text.write_text("\n\n".join(["我今天去超市买了苹果。", "她明天去 A 市。"] * 20), encoding="utf-8")
    run("train", "ngram", str(text), "--out", str(folder), "--set", "order=2", "--tokenizer", "char")
    shown = rows(run("score", "我明天去超市。", "--model", str(folder)))
    assert {unit: cells[0] for unit, cells in shown.items()} == {
        "event": "8",
        "token": "7",
        "character": "8",
        "Chinese character": "6",
        "byte": "22",
    }


def test_an_english_text_that_quotes_chinese_keeps_its_words_and_has_no_row_of_chinese_characters(
    model: Path,
) -> None:
    text = "the dog sees a bird here , which is 狗 in Chinese , or so a cat says"
    assert list(rows(run("score", text, "--model", str(model)))) == [
        "event", "token", "word", "character", "byte",
    ]  # fmt: skip


def test_a_sign_in_the_text_is_unknown_and_charged_where_its_types_are_stated(
    tiny: Path, tmp_path: Path
) -> None:
    text, folder = tmp_path / "signed.txt", tmp_path / "m"
    text.write_text((tiny / "text.txt").read_text().replace("bird", "<unk>"))
    run("train", "ngram", str(text), "--out", str(folder), "--set", "order=3")
    base = ("score", "the dog sees a <unk> here", "--model", str(folder))
    plain, charged = run(*base), run(*base, "--open-vocabulary", "64")
    assert "unknown events (<unk>): 1, 1 of them <unk> in the text itself, which does not tell" in plain
    assert "--open-vocabulary" in plain and "<unk> charged" not in plain
    assert "charged: p(<unk>) spread over 64 unseen types" in charged
    count, bits, _, _, more = rows(charged)["event"]
    assert float(more) == pytest.approx(float(bits) + 6 / int(count), abs=2e-3)
    assert len(rows(plain)["event"]) == 4


def test_what_a_model_could_see_is_told_on_average_and_at_least(model: Path, tmp_path: Path) -> None:
    said = re.findall(r"^context: .*$", run("score", "a a a a", "--model", str(model)), re.M)
    # 0 1 2 2 2 of five events; the last two do not see all.
    assert said == ["context: 1.4 tokens before each event on average, at least 2 where not all are seen"]
    two = tmp_path / "two.txt"
    two.write_text("a\nb c\n")
    said = re.findall(r"^context: .*$", run("score", "--file", str(two), "--model", str(model)), re.M)
    assert said == ["context: 0.8 tokens before each event on average, at least 0 where not all are seen"]
    said = re.findall(r"^context: .*$", run("score", "a", "--model", str(model)), re.M)
    assert said == ["context: 0.5 tokens before each event on average, all that stand there"]


@pytest.mark.parametrize(("window", "stride"), [(4, 1), (4, 3), (3, 3)])
def test_a_window_bounds_what_is_told_to_be_seen(
    tiny: Path, tmp_path: Path, window: int, stride: int
) -> None:
    folder = str(tmp_path / "m")
    run("train", "unbounded", str(tiny / "text.txt"), "--out", folder, "--set", "policy=document")
    base = ("score", "a b c d e f g h i j k", "--model", folder)
    shown = run(*base, "--window", str(window), "--stride", str(stride))
    seen = []
    for place in range(12):
        begin = next(begin for begin in range(0, 12, stride) if place - begin <= window)
        seen.append(place - begin)
    least = min(seen[window:])
    assert f"context: {sum(seen) / 12:.1f} tokens" in shown and f"at least {least} where" in shown
    assert f"context: {sum(range(12)) / 12:.1f} tokens before each event on average, all" in run(*base)


def signatures(output: str) -> list[dict[str, str]]:
    lines = re.findall(r"^signature: (.*)$", output, re.M)
    return [dict(part.split(":", 1) for part in line.split("|")) for line in lines]


def test_all_that_moves_a_score_moves_its_signature(model: Path, tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "m"
    run("train", "ngram", str(tiny / "text.txt"), "--out", str(other), "--set", "order=2")
    base = ("score", TEXT, "--model", str(model))
    long, short = signatures(run(*base))
    assert signatures(run(*base)) == [long, short]
    assert list(long)[:3] == ["text", "model", "tokenizer"] and len(long) == len(short)
    assert (long["policy"], long["context"], long["eos"], long["bos"]) == (
        "sentence", "2", "scored", "conditioned")  # fmt: skip
    changes = {
        ("score", TEXT + " .", "--model", str(model)): {"text"},
        ("score", TEXT, "--model", str(other)): {"model", "context"},
        (*base, "--window", "8"): {"window", "stride"},
        (*base, "--open-vocabulary", "9"): {"oov"},
    }
    for words, moved in changes.items():
        found, _ = signatures(run(*words))
        assert {name for name in long if long[name] != found[name]} == moved
