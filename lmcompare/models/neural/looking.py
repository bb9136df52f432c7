"""Looking into networks: neighbours of vectors, weights of attention, what recurrent units do.

Everything is computed by a second, written-out path that keeps what the fast path throws away; tests hold
the ends of both against each other. Knows nothing of tokenizers and of what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lmcompare.interface import Floats
from lmcompare.models.inside import BINS, SATURATED, GateActivity, LayerActivity
from lmcompare.models.neural.cells import Maps
from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.placement import array_of
from lmcompare.models.neural.positions import rotate
from lmcompare.models.neural.quantised import Int8Recurrent
from lmcompare.models.neural.recurrent import RecurrentNetwork
from lmcompare.models.neural.transformer import Attention, TransformerNetwork

GATES = {3: ("reset", "update"), 4: ("input", "forget", "output")}
"""Names of the gates by the number of maps that a cell makes of its input."""


def nearest(embedding: Embedding, token: int, k: int) -> list[tuple[int, float]]:
    """See `HasNeighbours.neighbours`; vectors of n-grams are left out."""
    table = embedding.weight.detach()
    if embedding.int8_weight is not None:
        table = embedding.int8_weight.rows(torch.arange(embedding.size, device=table.device))
    unit = F.normalize(table.double(), dim=1)
    cosines = array_of(unit @ unit[token])
    cosines[[token, embedding.bos]] = -np.inf
    best = np.argsort(-cosines, kind="stable")[: max(0, min(k, embedding.size - len({token, embedding.bos})))]
    return [(int(other), float(cosines[other])) for other in best]


def attention_maps(network: TransformerNetwork, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """The weights of attention of one text, `[layers, heads, time, time]`, and what leaves the network.

    Vaswani et al. (2017), equation 1, one layer after the other; `vectors` is `[1, time, width]`.
    """
    places = torch.arange(vectors.shape[1], device=vectors.device)
    # The network's own rules of which place may see which, and how places are told.
    hide = network._hide(places[:, None] - places, None, vectors.dtype)
    turn = network._turn(places)
    x = network._enter(vectors, places)
    maps = []
    every: list[Any] = list(network.blocks)
    for block in every:
        looked_at = block.attention_norm(x) if block.pre else x
        weights, values = _weights(block.attention, looked_at, turn, hide)
        maps.append(weights[0])
        found = (weights @ values).transpose(1, 2).reshape(x.shape)
        x = x + block.attention.out(found)
        x = x if block.pre else block.attention_norm(x)
        x = x + block.feed_forward(block.feed_forward_norm(x) if block.pre else x)
        x = x if block.pre else block.feed_forward_norm(x)
    return torch.stack(maps), network._leave(x)


def _weights(attention: Attention, x: Tensor, turn: Tensor | None, hide: Tensor) -> tuple[Tensor, Tensor]:
    """softmax(q k / sqrt(head)), `[1, heads, time, time]`, and the values, `[1, heads, time, head]`."""
    parts = attention.qkv(x).split(attention.sizes, dim=2)
    q, k, v = (part.unflatten(2, (-1, attention.head)).transpose(1, 2) for part in parts)
    q, k = attention.q_norm(q), attention.k_norm(k)
    if turn is not None:
        q, k = rotate(q, turn), rotate(k, turn)
    # Each head of keys and values serves a group of queries.
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
    similarity = q @ k.transpose(2, 3) * attention.head**-0.5 + hide
    return similarity.softmax(dim=-1), v


def recurrent_activity(
    network: RecurrentNetwork, texts: Sequence[Tensor]
) -> tuple[list[LayerActivity], list[Tensor]]:
    """What each layer's units do over all places of some texts, and the last layer's outputs of each text.

    Args:
        network: recurrent, of any cell.
        texts: input vectors of each text, `[time, width]`, from its `bos` on.
    """
    sequences, layers = list(texts), []
    for layer in network.layers:
        gates: list[Tensor] = []
        sequences = [_run(layer, text, gates) for text in sequences]
        layers.append(_activity(torch.cat(sequences), gates))
    return layers, sequences


def _run(layer: Any, text: Tensor, gates: list[Tensor]) -> Tensor:
    """Outputs of one layer over one text, `[time, width]`; its gates, `[time, gates, width]`, are added."""
    if isinstance(layer, Int8Recurrent):
        maps, width = Maps(layer.of_input, layer.of_state), layer.of_state.matrix.values.shape[1]
    else:
        of_input, of_state = (layer.weight_ih_l0, layer.bias_ih_l0), (layer.weight_hh_l0, layer.bias_hh_l0)
        maps = Maps(lambda x: F.linear(x, *of_input), lambda h: F.linear(h, *of_state))
        width = layer.weight_hh_l0.shape[1]
    h = c = torch.zeros(width, device=text.device)
    outputs, seen = [], []
    for now in maps.of_input(text):
        past = maps.of_state(h)
        if len(now) == 4 * width:
            i, f, g, o = (now + past).view(4, width)
            i, f, o = torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)
            c = f * c + i * torch.tanh(g)
            h = o * torch.tanh(c)
            seen.append(torch.stack([i, f, o]))
        elif len(now) == 3 * width:
            (r, z, n), (r_past, z_past, n_past) = now.view(3, width), past.view(3, width)
            r, z = torch.sigmoid(r + r_past), torch.sigmoid(z + z_past)
            h = (1 - z) * torch.tanh(n + r * n_past) + z * h
            seen.append(torch.stack([r, z]))
        else:
            h = torch.tanh(now + past)
        outputs.append(h)
    if seen:
        gates.append(torch.stack(seen))
    return torch.stack(outputs)


def _activity(outputs: Tensor, gates: list[Tensor]) -> LayerActivity:
    h = array_of(outputs.double())
    counts, _ = np.histogram(h, bins=BINS, range=(-1, 1))
    found = []
    if gates:
        values = array_of(torch.cat(gates).double())
        closed, opened = _share(values < 1 - SATURATED), _share(values > SATURATED)
        names = GATES[values.shape[1] + 1]
        found = [GateActivity(name, *shares) for name, *shares in zip(names, closed, opened, strict=True)]
    return LayerActivity(_share(np.abs(h) > SATURATED), counts / counts.sum(), tuple(found))


def _share(true: np.ndarray) -> Floats:
    share: Floats = true.mean(axis=0)
    return share
