"""What may be set for the transformer.

Knows nothing of torch: an experiment file is checked without importing it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lmcompare.models.neural.options.training import Count, NgramEmbeddingOptions, Share, described

TRANSFORMER_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {
        "width": 128,
        "layers": 4,
        "heads": 4,
        "window": 64,
        "length": 64,
        "batch": 12,
        "steps": 2000,
        "dropout": 0.0,
    },
    "laptop": {
        "width": 128,
        "layers": 2,
        "heads": 2,
        "window": 128,
        "length": 128,
        "batch": 16,
        "qk_norm": True,
        "optimiser": "muon",
        "schedule": "linear",
        "lr": 0.02,
        "embedding_lr": 0.015,
        "dropout": 0.0,
        "epochs": 2.0,
    },
    "gpt2-small": {
        "width": 768,
        "layers": 12,
        "heads": 12,
        "window": 1024,
        "length": 1024,
        "positions": "learned",
        "activation": "gelu-tanh",
        "bias": True,
        "embedding_scale": False,
        "dropout": 0.1,
        "lr": 0.0006,
        "embedding_lr": 0.0006,
        "sampled_softmax": 0,
    },
    "wikitext-2": {
        "width": 512,
        "layers": 8,
        "heads": 8,
        "memory": 256,
        "length": 128,
        "batch": 32,
        "qk_norm": True,
        "dropout": 0.4,
        "embedding_dropout": 0.2,
        "lr": 0.001,
        "embedding_lr": 0.001,
        "epochs": 100.0,
        "evaluations": 100,
        "patience": 10,
        "restart": 0.0,
        "sampled_softmax": 0,
    },
}
"""Of "wikitext-2": our choice for two million words on a GPU, after Dai et al. 2019, who keep a memory and
drop much on a corpus as small; it has not been trained."""


class TransformerOptions(NgramEmbeddingOptions):
    """A decoder-only transformer.

    Attributes:
        width: size of the residual stream.
        layers: number of blocks.
        heads: attention heads of a block; each has `width / heads` dimensions, an even number.
        kv_heads: heads of keys and values, each shared by equally many query heads (Ainslie et al. 2023);
            `None`: as many as `heads`.
        window: tokens that the model reads at most (its context).
        stride: tokens dropped when the window is full (`None`: half the window); at most half of it.
        attention_window: places that one layer looks back over, its own included (Beltagy et al. 2020);
            `None`: all of the window.
        memory: places read before that each layer keeps and looks back on (Dai et al. 2019); 0 keeps none.
            With it there is no window: a document is read on to its end.
        positions: how a place is told: "rotary" (Su et al. 2021), "alibi" (Press et al. 2022), "learned" or
            "sinusoidal" (Vaswani et al. 2017).
        rotary_base: rotary wavelengths reach from 2 pi to 2 pi times this number of tokens.
        norm: "layer" (Ba et al. 2016) or "rms" (Zhang and Sennrich 2019).
        norm_place: "pre" normalises what enters a part, "post" what leaves it (Xiong et al. 2020).
        norm_epsilon: added to the variance in each norm.
        qk_norm: whether queries and keys are normalised (Henry et al. 2020).
        activation: of the feed-forward part: "gelu", "gelu-tanh" (its approximation), "relu2" (So et al.
            2021) or "swiglu" (Shazeer 2020).
        feed_forward: size of the feed-forward part (`None`: four times `width`; with "swiglu", which has a
            third matrix, eight thirds, so that there are as many parameters).
        bias: whether linear maps and layer norms have biases.
        dropout: share of units dropped in training, of the input vectors, of what each part adds and of what
            leaves the last block; in each row the same units at all places, as the recurrent networks do.
            Attention weights are not dropped.
        embedding_scale: whether input vectors are multiplied by the square root of `width`.
    """

    presets: ClassVar = TRANSFORMER_PRESETS

    preset: Literal["nano", "laptop", "gpt2-small", "wikitext-2"] | None = Field(
        None, description=described(TRANSFORMER_PRESETS)
    )
    width: Count = 128
    layers: Count = 2
    heads: Count = 2
    kv_heads: Count | None = None
    window: int = Field(64, ge=2)
    stride: Count | None = None
    attention_window: Count | None = None
    memory: int = Field(0, ge=0)
    positions: Literal["rotary", "alibi", "learned", "sinusoidal"] = "rotary"
    rotary_base: float = Field(10_000.0, gt=1)
    norm: Literal["layer", "rms"] = "layer"
    norm_place: Literal["pre", "post"] = "pre"
    norm_epsilon: float = Field(1e-5, gt=0)
    qk_norm: bool = False
    activation: Literal["gelu", "gelu-tanh", "relu2", "swiglu"] = "gelu"
    feed_forward: Count | None = None
    bias: bool = False
    embedding_scale: bool = True
    lr: float = Field(0.005, gt=0)
    embedding_lr: float | None = Field(0.008, gt=0)
    dropout: Share = 0.05

    @model_validator(mode="after")
    def _fits(self) -> TransformerOptions:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} must be an even multiple of heads {self.heads}")
        if self.heads % self.key_heads:
            raise ValueError(f"heads {self.heads} must be a multiple of kv_heads {self.kv_heads}")
        if self.memory:
            self._fits_memory()
            return self
        if self.stride is not None and 2 * self.stride > self.window:
            raise ValueError(f"stride {self.stride} is more than half of window {self.window}")
        if self.length > self.window:
            raise ValueError(f"length {self.length} is more than window {self.window}")
        return self

    def _fits_memory(self) -> None:
        if self.positions in ("learned", "sinusoidal"):
            told = "positions must be 'rotary' or 'alibi' where memory is set: others end with the window"
            raise ValueError(f"{told}, not {self.positions!r}")
        if self.attention_window is not None:
            raise ValueError("attention_window and memory say the same: set one of them")

    @property
    def slide(self) -> int:
        """Tokens dropped when the window is full."""
        return self.stride if self.stride is not None else self.window // 2

    @property
    def key_heads(self) -> int:
        """Heads of keys and values."""
        return self.kv_heads or self.heads

    @property
    def reach(self) -> int | None:
        """Places that one layer looks back over, its own included; `None`: all that is in the window."""
        return self.memory + 1 if self.memory else self.attention_window

    @property
    def middle(self) -> int:
        """Size of the feed-forward part."""
        if self.feed_forward is not None:
            return self.feed_forward
        return (8 * self.width + 2) // 3 if self.activation == "swiglu" else 4 * self.width
