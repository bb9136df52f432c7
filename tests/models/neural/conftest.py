"""Toys of the neural tests: a tokenizer of a few ids, documents of a tiny language, small models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lmcompare.interface import Ids
from lmcompare.models.neural.feedforward_model import FeedForwardModel
from lmcompare.models.neural.model import NeuralModel
from lmcompare.models.neural.recurrent_model import GruModel, LstmModel, RnnModel
from lmcompare.models.neural.transformer_model import TransformerModel

MODELS: dict[str, type[NeuralModel[Any, Any]]] = {
    model.kind: model for model in (FeedForwardModel, RnnModel, GruModel, LstmModel, TransformerModel)
}
SMALL: dict[str, dict[str, Any]] = {
    "feedforward": {"width": 16, "hidden": 24, "order": 4},
    "rnn": {"width": 16, "layers": 2},
    "gru": {"width": 16, "layers": 2},
    "lstm": {"width": 16, "layers": 2},
    "transformer": {"width": 16, "layers": 2, "heads": 2, "window": 8, "length": 8},
}


def toy_tokenizer(size: int) -> Any:
    return SimpleNamespace(
        kind="toy",
        size=size,
        bos=0,
        eos=1,
        unk=None,
        lossy="",
        fingerprint=f"toy-{size}",
        to_json=lambda: {"kind": "toy", "size": size},
    )


@pytest.fixture
def tokenizer() -> Callable[[int], Any]:
    return toy_tokenizer


@pytest.fixture
def small_model() -> Callable[..., Any]:
    """`make(kind, size=11, seed=0, **options)`: an untrained model whose answers are far from uniform."""

    def make(kind: str, size: int = 11, seed: int = 0, **changes: Any) -> Any:
        family = MODELS[kind]
        options = family.options_class(**(SMALL[kind] | changes))
        torch.manual_seed(seed)
        network = family.build(options, size, 0)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        return family(network, toy_tokenizer(size), options, {})

    return make


@pytest.fixture
def documents() -> Callable[..., list[Ids]]:
    """`make(lengths, size=11, seed=0)`: random ids (never bos), each document ending with eos."""

    def make(lengths: list[int], size: int = 11, seed: int = 0) -> list[Ids]:
        random = np.random.default_rng(seed)
        made = []
        for length in lengths:
            document = random.integers(2, size, length)
            document[-1:] = 1
            made.append(document)
        return made

    return make


@pytest.fixture
def toy_tokenizers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved toys can be loaded: stands in for the reader of real tokenizers."""
    monkeypatch.setattr(
        "lmcompare.models.neural.model.from_json", lambda stored: toy_tokenizer(stored["size"])
    )


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Any]:
    """`make(kind, train, valid, folder=..., seed=1, size=11, **options)`: a training of a tiny model."""
    from lmcompare.registry import Training

    def make(
        kind: str,
        train: list[Ids],
        valid: list[Ids],
        folder: Path | None = None,
        seed: int = 1,
        size: int = 11,
        **options: Any,
    ) -> Training:
        folder = folder or tmp_path / "work"
        folder.mkdir(exist_ok=True)
        chosen = MODELS[kind].options_class(**(SMALL[kind] | {"batch": 4, "length": 8} | options))
        return Training(chosen, toy_tokenizer(size), train, valid, seed, folder)

    return make
