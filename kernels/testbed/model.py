"""The test-bed decoder: bytes in, logits out; RMSNorm, rotary positions, SwiGLU, grouped queries, experts.

The shape is Llama's. All weights sit in plain ``nn.Linear`` modules of stable names (``blocks.3.attention.query``), so
that a quantizer can put its own module in a layer's place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidentia.kernels.testbed.cache import KVCache, View
from evidentia.kernels.testbed.data import VOCABULARY
from evidentia.kernels.testbed.experts import Experts


@dataclass(frozen=True)
class Config:
    """Shape of a model. `experts` of 0 means a dense feed-forward; `hidden` is the width of one expert otherwise."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    context: int = 1024
    experts: int = 0
    active: int = 0
    rope_base: float = 10_000.0
    vocabulary: int = VOCABULARY

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ValueError(f"{self.heads} query heads cannot share {self.kv_heads} key-value heads evenly")
        if self.experts and not 1 <= self.active <= self.experts:
            raise ValueError(f"{self.active} active experts of {self.experts}")

    @property
    def cache_elements_per_token(self) -> int:
        """Numbers that a full cache keeps for one token."""
        return 2 * self.layers * self.kv_heads * self.head_dim


CONFIGS = {
    "main": Config(layers=5, width=384, heads=8, kv_heads=4, head_dim=32, hidden=1024),
    "draft": Config(layers=2, width=128, heads=4, kv_heads=2, head_dim=32, hidden=384),
    "mha": Config(layers=4, width=256, heads=8, kv_heads=8, head_dim=32, hidden=768),
    "moe": Config(layers=3, width=256, heads=8, kv_heads=4, head_dim=32, hidden=64, experts=16, active=4),
}


def rotate(x: Tensor, positions: Tensor, base: float) -> Tensor:
    """Rotary embedding of ``(batch, heads, length, dim)`` at `positions`, which broadcast to all but the last axis.

    Dimension i is paired with i + dim/2, at frequency ``base ** (-2 i / dim)`` (RoFormer, section 3.2.2, with the
    halves' pairing of Llama's published code).
    """
    half = x.shape[-1] // 2
    frequencies = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = positions[..., None].float() * frequencies
    return turn(x, angles.cos().to(x.dtype), angles.sin().to(x.dtype))


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the two halves of the last axis by angles given as cosine and sine."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class Attention(nn.Module):
    """Causal attention of `heads` queries over `kv_heads` keys and values (GQA, section 2.2)."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.config, self.layer = config, layer
        inner, kv = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.query = nn.Linear(config.width, inner, bias=False)
        self.key = nn.Linear(config.width, kv, bias=False)
        self.value = nn.Linear(config.width, kv, bias=False)
        self.output = nn.Linear(inner, config.width, bias=False)

    def forward(self, x: Tensor, positions: Tensor, cache: KVCache | None) -> Tensor:
        """``(batch, length, width)`` at absolute `positions` ``(length,)``; without a cache, each other's past."""
        queries, keys, values = (self._split(f(x)) for f in (self.query, self.key, self.value))
        base = self.config.rope_base
        if cache is None:
            queries, keys = rotate(queries, positions, base), rotate(keys, positions, base)
            group = self.config.heads // self.config.kv_heads
            keys, values = (t.repeat_interleave(group, dim=1) for t in (keys, values))
            mixed = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        else:
            if cache.keeps_rotated:
                queries, keys = rotate(queries, positions, base), rotate(keys, positions, base)
            view = cache.append(self.layer, keys, values, positions)
            mixed = self._attend(queries, view, cache)
        return self.output(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, self.config.head_dim).transpose(1, 2)

    def _attend(self, queries: Tensor, view: View, cache: KVCache) -> Tensor:
        batch, heads, new, dim = queries.shape
        grouped, keys = queries.reshape(batch, self.config.kv_heads, -1, new, dim), view.keys
        if view.positions is not None and view.query_positions is not None:
            keys = rotate(keys, view.positions, self.config.rope_base)
            grouped = rotate(grouped, view.query_positions.unsqueeze(-2), self.config.rope_base)
        logits = grouped @ keys[:, :, None].mT / math.sqrt(dim)
        weights = logits.float().masked_fill(~view.allowed.unsqueeze(-3), float("-inf")).softmax(-1).to(queries.dtype)
        if cache.wants_weights:
            cache.observe(self.layer, weights)
        return (weights @ view.values[:, :, None]).view(batch, heads, new, dim)


class FeedForward(nn.Module):
    """SwiGLU: ``down(silu(gate(x)) * up(x))`` (GLU Variants Improve Transformer, section 2)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.gate = nn.Linear(config.width, config.hidden, bias=False)
        self.up = nn.Linear(config.width, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., width)`` to the same."""
        return self.down(F.silu(self.gate(x)) * self.up(x))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention, then feed-forward, each on the normalised stream and added to it."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.width, eps=1e-5)
        self.attention = Attention(config, layer)
        self.feed_norm = nn.RMSNorm(config.width, eps=1e-5)
        self.feed: nn.Module = Experts(config) if config.experts else FeedForward(config)

    def forward(self, x: Tensor, positions: Tensor, cache: KVCache | None) -> Tensor:
        """``(batch, length, width)`` to the same."""
        x = x + self.attention(self.attention_norm(x), positions, cache)
        return x + self.feed(self.feed_norm(x))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """A byte-level language model. Embedding and head are not tied."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.norm = nn.RMSNorm(config.width, eps=1e-5)
        self.head = nn.Linear(config.width, config.vocabulary, bias=False)

    @property
    def device(self) -> torch.device:
        """Where the weights lie, and tokens must."""
        return self.embedding.weight.device

    def forward(self, tokens: Tensor, cache: KVCache | None = None) -> Tensor:
        """Logits ``(batch, length, vocabulary)`` for `tokens` ``(batch, length)``, which go on from what the cache
        has seen."""
        start = 0 if cache is None else cache.length
        positions = torch.arange(start, start + tokens.shape[1], device=tokens.device)
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, positions, cache)
        return self.head(self.norm(x))  # type: ignore[no-any-return]


def initialise(model: Decoder, seed: int) -> Decoder:
    """Draw all weights: deviation ``width ** -0.5``, what is added to the stream smaller by ``sqrt(2 layers)``."""
    generator = torch.Generator().manual_seed(seed)
    shrink = (2 * model.config.layers) ** -0.5
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            nn.init.ones_(parameter)
            continue
        deviation = parameter.shape[-1] ** -0.5 if "embedding" not in name else 0.5
        if name.endswith(("output.weight", "down.weight", "down")):
            deviation *= shrink
        nn.init.normal_(parameter, std=deviation, generator=generator)
    return model
