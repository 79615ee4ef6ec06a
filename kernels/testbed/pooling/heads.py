"""The multi-head model with its key and value heads pooled into fewer, everything else as it was.

GQA (Ainslie et al. 2023, arXiv 2305.13245, section 2.1). Each function returns a model of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from evidentia.kernels.attention.pooling import pool
from evidentia.kernels.testbed.model import Attention, Decoder


def multi_head(model: Decoder, kv_heads: int, generator: torch.Generator) -> Decoder:
    """A copy with all its heads, whatever `kv_heads`."""
    return copy.deepcopy(model)


def mean_pooling(model: Decoder, kv_heads: int, generator: torch.Generator) -> Decoder:
    """Neighbouring heads averaged into `kv_heads`. Raises ValueError where they do not fall into equal groups."""
    return _pooled(model, kv_heads, pool.mean, generator)


def first_head(model: Decoder, kv_heads: int, generator: torch.Generator) -> Decoder:
    """The first of each group of neighbouring heads. Raises ValueError where groups are not equal."""
    return _pooled(model, kv_heads, pool.first, generator)


def random_heads(model: Decoder, kv_heads: int, generator: torch.Generator) -> Decoder:
    """Heads drawn anew, of the size of the old ones. Raises ValueError where groups are not equal."""
    return _pooled(model, kv_heads, pool.random, generator)


def _pooled(model: Decoder, kv_heads: int, how: pool.Pool, generator: torch.Generator) -> Decoder:
    heads = model.config.kv_heads
    weights: dict[str, Tensor] = dict(model.state_dict())
    for name in _projections(model):
        weights[name] = pool.pool_heads(weights[name], heads, kv_heads, how, generator)
    pooled = Decoder(replace(model.config, kv_heads=kv_heads))
    pooled.load_state_dict(weights)
    return pooled.eval().requires_grad_(False)


def _projections(model: Decoder) -> Iterator[str]:
    """Names of the weights that make keys and values."""
    for name, module in model.named_modules():
        if isinstance(module, Attention):
            yield from (f"{name}.key.weight", f"{name}.value.weight")
