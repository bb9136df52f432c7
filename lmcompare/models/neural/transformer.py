"""The transformer language model, in the order in which the data passes: vectors, blocks, norm.

Knows nothing of documents, sliding windows or training. Vaswani et al. (2017), decoder only, with
what became usual since: norms before each part (Xiong et al. 2020), no biases, rotary positions (Su
et al. 2021) and GELU (Hendrycks and Gimpel 2016); each is an option. Normalised queries and keys, and
gates in the feed-forward part, cost a third of a step on a laptop's processor and are off by default.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmcompare.interface import Ids
from lmcompare.models.neural.cache import Cache
from lmcompare.models.neural.compiled import CompiledBlocks
from lmcompare.models.neural.dropout import locked_dropout
from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.network import Carried, Network, Reading
from lmcompare.models.neural.options import TransformerOptions
from lmcompare.models.neural.output_mixture import OutputMixture
from lmcompare.models.neural.placement import is_processor, placed
from lmcompare.models.neural.positions import distance_slopes, rotary_angles, rotate, sinusoids
from lmcompare.models.neural.quantised import FEW


class Attention(nn.Module):
    """Each place looks back at what stands before it and takes a weighted mean of what it finds.

    Written out (Vaswani et al. 2017, equation 1): on a laptop's processor, at windows of some hundred
    tokens, this trains several times faster than the fused kernel and is what a reader wants to see.
    Where there are fewer heads of keys and values than of queries, each serves a group of them.
    """

    def __init__(self, options: TransformerOptions) -> None:
        super().__init__()
        width, self.head = options.width, options.width // options.heads
        self.sizes = [width, options.key_heads * self.head, options.key_heads * self.head]
        self.qkv = nn.Linear(width, sum(self.sizes), bias=options.bias)
        self.out = nn.Linear(width, width, bias=options.bias)
        norm = options.qk_norm
        self.q_norm: nn.Module = nn.RMSNorm(self.head, options.norm_epsilon) if norm else nn.Identity()
        self.k_norm: nn.Module = nn.RMSNorm(self.head, options.norm_epsilon) if norm else nn.Identity()

    def forward(
        self,
        x: Tensor,
        turn: Tensor | None,
        hide: Tensor,
        cache: Cache | None = None,
        layer: int = 0,
        memory: Tensor | None = None,
    ) -> Tensor:
        """`[batch, time, width]` to the same shape.

        Args:
            x: what stands at the places that are read now.
            turn: rotary angles of the places of `memory` and `x`, `[places, 2, head / 2]`; `None`: none.
            hide: 0 where a place (row) may look at a place (column), -inf where it may not, or what is added
                for the distance; `[time, seen]` with any of `[batch, heads]` before it.
            cache: places read before; these are added.
            layer: which of the cache's layers.
            memory: what stood at the places before these, `[batch, places, width]`: seen, not answered.
        """
        batch, time, _ = x.shape
        seen = x if memory is None else torch.cat([memory, x], dim=1)
        parts = self.qkv(seen).split(self.sizes, dim=2)
        q, k, v = (part.view(batch, part.shape[1], -1, self.head).transpose(1, 2) for part in parts)
        q, k = self.q_norm(q[:, :, -time:]), self.k_norm(k)
        if turn is not None:
            q, k = rotate(q, turn[..., -time:, :, :]), rotate(k, turn)
        if cache is not None:
            k, v = cache.add(layer, k, v)
        heads, group = q.shape[1], q.shape[1] // k.shape[1]
        if not is_processor(x.device):
            # There the fused kernel is the fast one; the mask keeps it from sharing heads by itself.
            k, v = (part.repeat_interleave(group, dim=1) if group > 1 else part for part in (k, v))
            found = F.scaled_dot_product_attention(q, k, v, attn_mask=hide)
            return self.out(found.transpose(1, 2).reshape(batch, time, -1))  # type: ignore[no-any-return]
        # The queries that share a head of keys stand below each other, as more rows of one matrix.
        q = q.reshape(batch, -1, group * time, self.head)
        similarity = (q @ k.transpose(2, 3) * self.head**-0.5).view(batch, heads, time, -1) + hide
        weights = similarity.softmax(dim=-1).view(batch, -1, group * time, k.shape[2])
        found = (weights @ v).view(batch, heads, time, self.head)
        return self.out(found.transpose(1, 2).reshape(batch, time, -1))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """What each place does with what it has gathered: by default four times as wide in the middle."""

    def __init__(self, options: TransformerOptions) -> None:
        super().__init__()
        self.activation = options.activation
        gated = options.activation == "swiglu"
        self.up = nn.Linear(options.width, (2 if gated else 1) * options.middle, bias=options.bias)
        self.down = nn.Linear(options.middle, options.width, bias=options.bias)

    def forward(self, x: Tensor) -> Tensor:
        """`[..., width]` to the same shape."""
        x = self.up(x)
        if self.activation == "swiglu":
            gate, value = x.chunk(2, dim=-1)
            x = F.silu(gate) * value
        elif self.activation == "relu2":
            x = F.relu(x).square()
        else:
            x = F.gelu(x, approximate="tanh" if self.activation == "gelu-tanh" else "none")
        return self.down(x)  # type: ignore[no-any-return]


class Block(nn.Module):
    """Gather, then think; each part adds to the residual stream what it found."""

    def __init__(self, options: TransformerOptions) -> None:
        super().__init__()
        self.dropout, self.pre = options.dropout, options.norm_place == "pre"
        self.attention_norm = norm(options)
        self.attention = Attention(options)
        self.feed_forward_norm = norm(options)
        self.feed_forward = FeedForward(options)

    def forward(
        self,
        x: Tensor,
        turn: Tensor | None,
        hide: Tensor,
        cache: Cache | None = None,
        layer: int = 0,
        memory: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """`[batch, time, width]` to the same shape, and what the attention looked at, for a memory."""
        looked_at = self.attention_norm(x) if self.pre else x
        gathered = self.attention(looked_at, turn, hide, cache, layer, memory)
        x = x + locked_dropout(gathered, self.dropout, self.training)
        x = x if self.pre else self.attention_norm(x)
        thought = self.feed_forward(self.feed_forward_norm(x) if self.pre else x)
        x = x + locked_dropout(thought, self.dropout, self.training)
        return x if self.pre else self.feed_forward_norm(x), looked_at


class TransformerNetwork(Network):
    """Embedding, `layers` blocks, a norm, and the output table; by default the embedding's own."""

    angles: Tensor
    slopes: Tensor
    position_vectors: Tensor | None

    def __init__(self, size: int, bos: int, options: TransformerOptions) -> None:
        super().__init__()
        self.options, width, layers = options, options.width, options.layers
        self.carries = options.memory > 0
        self.embedding = Embedding(size, width, bos, options, scaled=options.embedding_scale)
        self.lookback = self.embedding.lookback
        self.blocks = nn.ModuleList(Block(options) for _ in range(layers))
        self.norm = norm(options) if options.norm_place == "pre" else nn.Identity()
        for name, parameter in self.blocks.named_parameters():
            if parameter.ndim == 2:
                # What writes to the residual stream starts smaller, so that depth does not swell it.
                shrink = (2 * layers) ** -0.5 if name.endswith(("out.weight", "down.weight")) else 1.0
                nn.init.normal_(parameter, std=shrink * parameter.shape[1] ** -0.5)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        self._tell_places()
        self.compiled: CompiledBlocks | None = None
        parts = options.softmaxes
        self.mixture: nn.Module = OutputMixture(width, parts) if parts > 1 else nn.Identity()

    def _tell_places(self) -> None:
        """What the chosen sort of positions needs."""
        options, head = self.options, self.options.width // self.options.heads
        places = options.memory + options.length if options.memory else options.window
        rotary, alibi = options.positions == "rotary", options.positions == "alibi"
        angles = rotary_angles(torch.arange(places if rotary else 0), head, options.rotary_base)
        self.register_buffer("angles", angles, persistent=False)
        self.register_buffer("slopes", distance_slopes(options.heads if alibi else 1), persistent=False)
        if options.positions == "learned":
            # As large as the vectors of tokens.
            vectors = torch.randn(places, options.width) * options.width**-0.5 * self.embedding.scale
            self.position_vectors = nn.Parameter(vectors)
        else:
            fixed = sinusoids(places, options.width) if options.positions == "sinusoidal" else None
            self.register_buffer("position_vectors", fixed, persistent=False)

    def empty(self, batch: int, room: int) -> Cache:
        """The cache of rows that have read nothing."""
        head = self.options.width // self.options.heads
        shape = (len(self.blocks), batch, self.options.key_heads, room, head)
        nothing = np.zeros(batch, dtype=np.int64)
        new = partial(torch.zeros, shape, device=self.embedding.mask.device)
        return Cache(new(), new(), nothing, nothing)

    def compile_steps(self) -> None:
        """See `Network.compile_steps`."""
        super().compile_steps()
        self.compiled = CompiledBlocks(self.blocks, self.options)

    def forward(self, vectors: Tensor, cache: Cache | None = None, segments: Tensor | None = None) -> Tensor:
        """Hidden vectors after each place, `[batch, time, width]`.

        Args:
            vectors: what is read now, `[batch, time, width]`.
            cache: what was read before; these places are added to it. Where rows hold unequally many places,
                `time` must be 1.
            segments: number of the document of each place, `[batch, time]`; no place looks into another.
        """
        time, device = vectors.shape[1], vectors.device
        now = torch.arange(time, device=device)
        positions = now[None] if cache is None else from_one(cache.positions, device) + now
        turn = self._turn(positions)
        x = self._enter(vectors, positions)
        compiled = self.compiled if time == 1 and len(x) <= FEW else None
        if compiled is not None and cache is not None and compiled.holds(self.blocks):
            x = compiled(x[:, 0], turn, cache)[:, None]
        else:
            queries = now[None] if cache is None else from_one(cache.lengths, device) + now
            distance = queries[:, None, :, None] - torch.arange(int(queries.max()) + 1, device=device)
            same = None if segments is None else segments[:, None, :, None] == segments[:, None, None, :]
            hide = self._hide(distance, same, vectors.dtype)
            for number, block in enumerate(self.blocks):
                x, _ = block(x, turn, hide, cache, number)
        if cache:
            cache.advance(time)
        return self._leave(x)

    def read(self, vectors: Tensor, begins: Tensor, carried: Carried) -> Reading:
        """See `Network.read`: from scratch, or with what each layer looked at in the chunks before.

        A `bos` hides all that stands before it. No gradient flows into a memory (Dai et al. 2019, sec. 3.2);
        each place sees equally many places, as at the end of scoring. A memory is, beside what each layer
        looked at, whether a place belongs to the document that is read last.
        """
        segments = begins.cumsum(dim=1)
        memory = self.options.memory
        if not memory:
            return Reading(self(vectors, segments=segments if begins[:, 1:].any() else None), ())
        batch, time, width = vectors.shape
        if not carried:
            empty = vectors.new_zeros(batch, memory, width)
            carried = (vectors.new_zeros(batch, memory), *(empty for _ in self.blocks))
        mine, *before = carried
        # A place of the memory has number 0, that of what is read before any bos, or -1.
        numbers = torch.cat([mine.long() - 1, segments], dim=1)
        places = torch.arange(memory + time, device=vectors.device)
        distance = places[memory:, None] - places
        same = segments[:, None, :, None] == numbers[:, None, None, :]
        hide = self._hide(distance, same, vectors.dtype)
        turn = self._turn(places)
        x = self._enter(vectors, places[memory:])
        after = [(numbers == segments[:, -1:])[:, -memory:].to(vectors.dtype)]
        for block, kept in zip(self.blocks, before, strict=True):
            x, looked_at = block(x, turn, hide, memory=kept)
            after.append(torch.cat([kept, looked_at.detach()], dim=1)[:, -memory:])
        return Reading(self._leave(x), tuple(after))

    def _hide(self, distance: Tensor, same: Tensor | None, dtype: torch.dtype) -> Tensor:
        """0, or what ALiBi adds, where a place may be seen, else -inf: `[.., time, seen]`."""
        seen = distance >= 0
        if self.options.reach is not None:
            seen = seen & (distance < self.options.reach)
        if same is not None:
            seen = seen & same
        if self.options.positions == "alibi":
            favour = -self.slopes[:, None, None] * distance.clamp(min=0)
            return favour.to(dtype).masked_fill(~seen, -torch.inf)
        return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, -torch.inf)

    def _turn(self, positions: Tensor) -> Tensor | None:
        """Rotary angles, `[.., places, 2, head / 2]`; those of places that no table holds are computed."""
        if self.options.positions != "rotary":
            return None
        if int(positions.max()) < len(self.angles):
            turn = self.angles[positions]
        else:
            turn = rotary_angles(positions, 2 * self.angles.shape[-1], self.options.rotary_base)
        return turn if positions.ndim == 1 else turn[:, None]

    def _enter(self, vectors: Tensor, positions: Tensor) -> Tensor:
        if self.position_vectors is not None:
            vectors = vectors + self.position_vectors[positions]
        return locked_dropout(vectors, self.options.dropout, self.training)

    def _leave(self, x: Tensor) -> Tensor:
        hidden = locked_dropout(self.norm(x), self.options.dropout, self.training)
        return self.mixture(hidden)  # type: ignore[no-any-return]


def from_one(numbers: Ids, device: torch.device) -> Tensor:
    """A number for each row, `[batch, 1]`, or `[1, 1]` where it is the same for all."""
    same = bool((numbers == numbers[:1]).all())
    return placed(numbers[: 1 if same else None, None], device)


def norm(options: TransformerOptions) -> nn.Module:
    """A norm of the chosen sort."""
    if options.norm == "rms":
        return nn.RMSNorm(options.width, options.norm_epsilon)
    return nn.LayerNorm(options.width, options.norm_epsilon, bias=options.bias)
