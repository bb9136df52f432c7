"""Writing text, timed: beside Hugging Face `transformers`, and by the length of what was read before.

    python tests/benchmarks/generation.py --threads 1

Prints figures and ratios, and fails on none. The same weights (a random GPT-2 of six layers) write the same
greedy text through `transformers`' generate and through ours; the ways take turns, so that whatever else
the machine does falls on all of them, and the median is kept. Then, for each family, the milliseconds of
one more token after 16 to 2,048 tokens.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from lmcompare.generation.loop import generate
from lmcompare.generation.rules import greedy
from lmcompare.interface import LanguageModel, Reads
from lmcompare.models.neural.options import (
    FeedForwardOptions,
    GruOptions,
    LstmOptions,
    RnnOptions,
    TransformerOptions,
)
from lmcompare.models.neural.quantisation import quantise
from lmcompare.models.neural.transformer_model import TransformerModel
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.text.tokenizers.word import WordTokenizer

LAYERS, HEADS, PLACES = 6, 6, 1024
SHAPES = ("384x65", "192x10000", "384x10000")
"""Width and ids: the first is nanoGPT's for Shakespeare's characters; the others are for words."""
PROMPT, TOKENS, RUNS = 32, 96, 5
CONTEXTS = (16, 64, 256, 1024, 2048)
WAYS = ("transformers", "lmcompare, torch", "lmcompare", "lmcompare, 8 bits")


def gpt2(width: int, size: int) -> tuple[Any, Callable[[], TransformerModel]]:
    """Their GPT-2, and a maker of ours with its weights."""
    import transformers

    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=size,
        n_positions=PLACES,
        n_embd=width,
        n_layer=LAYERS,
        n_head=HEADS,
        bos_token_id=0,
        eos_token_id=1,
    )
    theirs = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    options = TransformerOptions(
        width=width,
        layers=LAYERS,
        heads=HEADS,
        window=PLACES,
        length=PLACES,
        positions="learned",
        activation="gelu-tanh",
        bias=True,
        embedding_scale=False,
        dropout=0.0,
    )
    state = {"position_vectors": theirs.transformer.wpe.weight, "embedding.weight": theirs.lm_head.weight}
    for number, block in enumerate(theirs.transformer.h):
        for ours, part in {
            "attention_norm": block.ln_1,
            "attention.qkv": block.attn.c_attn,
            "attention.out": block.attn.c_proj,
            "feed_forward_norm": block.ln_2,
            "feed_forward.up": block.mlp.c_fc,
            "feed_forward.down": block.mlp.c_proj,
        }.items():
            weight = part.weight.mT.contiguous() if part.weight.ndim == 2 else part.weight
            state |= {f"blocks.{number}.{ours}.weight": weight, f"blocks.{number}.{ours}.bias": part.bias}
    state |= {"norm.weight": theirs.transformer.ln_f.weight, "norm.bias": theirs.transformer.ln_f.bias}

    def make() -> TransformerModel:
        network = TransformerModel.build(options, size, 0)
        network.load_state_dict({name: value.detach().clone() for name, value in state.items()}, strict=False)
        return TransformerModel(network, vocabulary(size), options, {})

    return theirs, make


def vocabulary(size: int) -> WordTokenizer:
    """So many ids: bos, eos, unk and words that are numbers."""
    return WordTokenizer([str(number) for number in range(size - 3)])


def beside_transformers(console: Console, width: int, size: int, threads: int) -> None:
    """Tokens per second of each way, for one row and for eight."""
    theirs, make = gpt2(width, size)
    plain, compiled = make(), make()
    compiled.network.compile_steps()
    models = {"lmcompare, torch": plain, "lmcompare": compiled, "lmcompare, 8 bits": quantise(plain)}
    table = Table(title=f"{LAYERS} layers, width {width}, {size:,} ids, {threads} thread(s): tokens/s")
    for column in ("rows", *WAYS, "lmcompare / transformers", "same text"):
        table.add_column(column, justify="right")
    for rows in (1, 8):
        prompts = np.random.default_rng(rows).integers(3, size, (rows, PROMPT))

        def write_theirs(given: np.ndarray[Any, Any] = prompts) -> np.ndarray[Any, Any]:
            ids = torch.from_numpy(given)
            # Our first input is bos: theirs gets it too.
            ids = torch.cat([torch.zeros(len(ids), 1, dtype=torch.int64), ids], dim=1)
            settings = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS, "do_sample": False}
            with torch.inference_mode():
                out = theirs.generate(
                    ids, attention_mask=torch.ones_like(ids), pad_token_id=1, suppress_tokens=[0], **settings
                )
            return out[:, -TOKENS:].numpy()

        def write(model: LanguageModel, given: np.ndarray[Any, Any] = prompts) -> np.ndarray[Any, Any]:
            return np.stack([each.ids for each in generate(model, list(given), greedy(), max_tokens=TOKENS)])

        ways: dict[str, Callable[[], np.ndarray[Any, Any]]] = {"transformers": write_theirs}
        ways |= {name: (lambda model=model: write(model)) for name, model in models.items()}
        seconds, texts = in_turns(ways)
        speeds = [rows * TOKENS / seconds[way] for way in WAYS]
        same = np.array_equal(texts["transformers"], texts["lmcompare"])
        ratio = seconds["transformers"] / seconds["lmcompare"]
        table.add_row(str(rows), *(f"{speed:,.0f}" for speed in speeds), f"{ratio:.2f}", str(same))
    console.print(table)


def in_turns(ways: dict[str, Callable[[], Any]]) -> tuple[dict[str, float], dict[str, Any]]:
    """Median seconds of each way, and what it gave; a first turn that also compiles is not counted."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    given: dict[str, Any] = {}
    for _ in range(RUNS + 1):
        for name, way in ways.items():
            begin = time.perf_counter()
            given[name] = way()
            found[name].append(time.perf_counter() - begin)
    return {name: statistics.median(each[1:]) for name, each in found.items()}, given


def families() -> dict[str, LanguageModel]:
    """An untrained model of each neural family, all of one width, and an n-gram of random text."""
    from lmcompare.models.neural.feedforward_model import FeedForwardModel
    from lmcompare.models.neural.recurrent_model import GruModel, LstmModel, RnnModel

    tokenizer = vocabulary(2000)
    shape = {"width": 128, "dropout": 0.0}
    window = {"window": 4096, "length": 64, "heads": 4, "layers": 4}
    made: dict[str, LanguageModel] = {}
    for name, model, options in (
        ("feed-forward", FeedForwardModel, FeedForwardOptions(**shape)),
        ("rnn", RnnModel, RnnOptions(**shape)),
        ("gru", GruModel, GruOptions(**shape)),
        ("lstm", LstmModel, LstmOptions(**shape)),
        ("transformer, torch", TransformerModel, TransformerOptions(**shape, **window)),
        ("transformer", TransformerModel, TransformerOptions(**shape, **window)),
    ):
        network: Any = model.build(options, tokenizer.size, tokenizer.bos)
        made[name] = model(network, tokenizer, options, {})
    made["transformer"].network.compile_steps()  # type: ignore[attr-defined]
    random = np.random.default_rng(0)
    text = np.minimum(random.zipf(1.3, 100_000) + 2, tokenizer.size - 1)
    text[::20] = tokenizer.eos
    made["5-gram"] = train_ngram([text], tokenizer, NgramOptions(order=5, curve=False))
    return made


def by_context(console: Console, tokens: int = 32) -> None:
    """Milliseconds of one more token after contexts of several lengths."""
    table = Table(title="one row: ms a token by what was read before (width 128; transformer: 4 layers)")
    table.add_column("family")
    for context in CONTEXTS:
        table.add_column(f"{context:,}", justify="right")
    table.add_column(f"{CONTEXTS[-1]:,} / {CONTEXTS[0]:,}", justify="right")
    models, random = families(), np.random.default_rng(1)
    spent: dict[tuple[str, int], list[float]] = {}
    for _ in range(RUNS + 1):
        for context in CONTEXTS:
            read = random.integers(3, 2000, context)
            for name, model in models.items():
                spent.setdefault((name, context), []).append(_ms(model, read, tokens))
    for name in models:
        medians = [statistics.median(spent[name, context][1:]) for context in CONTEXTS]
        table.add_row(name, *(f"{each:.3f}" for each in medians), f"{medians[-1] / medians[0]:.2f}")
    console.print(table)


def _ms(model: LanguageModel, read: np.ndarray[Any, Any], tokens: int) -> float:
    assert isinstance(model, Reads)
    _, state = model.read([read])
    begin = time.perf_counter()
    for token in range(tokens):
        _, state = model.step(np.array([3 + token]), state)
    return 1000 * (time.perf_counter() - begin) / tokens


def main(arguments: Sequence[str] | None = None) -> None:
    """All tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), metavar="WIDTHxIDS")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    console = Console(width=150)
    try:
        for shape in given.shapes:
            beside_transformers(console, *map(int, shape.split("x")), given.threads)
    except ImportError as error:
        console.print(f"not beside transformers: {error}")
    by_context(console)


if __name__ == "__main__":
    main()
