"""Measuring a shipped model on the held-out texts that are shipped with it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import torch

from evidentia.kernels import timing
from evidentia.kernels.registry import Value
from evidentia.kernels.testbed import evaluate
from evidentia.kernels.testbed.cache import FullCache
from evidentia.kernels.testbed.data import START, texts
from evidentia.kernels.testbed.evaluate import Piece
from evidentia.kernels.testbed.load import load
from evidentia.kernels.testbed.model import Decoder
from evidentia.kernels.testbed.signals import measure_signals

_STEPS = 12
_LONGEST_SIGNAL = 4

_model = cache(load)


@cache
def _held_out() -> tuple[tuple[bytes, ...], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    contents = tuple(d.content for d in texts() if d.held_out)
    return contents, np.cumsum([len(c) for c in contents])


def draw(seed: int, context: int, tokens: int) -> list[Piece]:
    """Pieces of held-out files, `tokens` bytes or a little more: those in which bytes drawn evenly from all lie."""
    contents, ends = _held_out()
    half = context // 2
    generator = np.random.default_rng(seed)
    drawn = []
    for place in generator.integers(int(ends[-1]), size=-(-tokens // half)):
        file = int(np.searchsorted(ends, place, side="right"))
        within = int(place) - (int(ends[file - 1]) if file else 0)
        drawn.append(evaluate.pieces(contents[file], context)[within // half])
    return drawn


def measure(
    kernel: str, metrics: tuple[str, ...], *, seed: int, context: int, tokens: int, **settings: Value
) -> dict[str, float]:
    """``bits_per_byte`` of drawn pieces, ``first_token_attention`` in %, ``time_per_token`` in ms on one thread (median
    of twelve tokens after the context, without outliers), ``cache_bytes_per_token``, ``bytes_read_per_token`` and
    ``weight_bytes`` at 2 bytes a number.

    Drawn by the seed alone from the shipped texts, so all models read the same bytes everywhere.
    """
    model = _model(kernel)
    ways: dict[str, Callable[[], float]] = {
        "bits_per_byte": lambda: _bits_per_byte(model, seed, context, tokens),
        "first_token_attention": lambda: _first_token_attention(model, seed, context),
        "time_per_token": lambda: _time_per_token(model, seed, context),
        "cache_bytes_per_token": lambda: evaluate.cache_bytes_per_token(model.config),
        "bytes_read_per_token": lambda: evaluate.bytes_read_per_token(model, context),
        "weight_bytes": lambda: 2.0 * evaluate.parameters(model),
    }
    return {name: ways[name]() for name in metrics}


def _bits_per_byte(model: Decoder, seed: int, context: int, tokens: int) -> float:
    found = evaluate.bits(model, draw(seed, context, tokens))
    return float(sum(b.sum() for b in found) / sum(len(b) for b in found))


def _texts(seed: int, length: int, count: int) -> list[bytes]:
    contents = [c for c in _held_out()[0] if len(c) >= length]
    generator = np.random.default_rng(seed)
    starts = [
        (c, int(generator.integers(len(c) - length + 1)))
        for c in (contents[i] for i in generator.integers(len(contents), size=count))
    ]
    return [content[start : start + length] for content, start in starts]


def _first_token_attention(model: Decoder, seed: int, context: int) -> float:
    mass = measure_signals(model, _texts(seed, context - 1, _LONGEST_SIGNAL)).first_token
    return 100.0 * statistics.fmean(share for layer in mass for share in layer)


@torch.no_grad()
def _time_per_token(model: Decoder, seed: int, context: int) -> float:
    (text,) = _texts(seed, context + _STEPS, 1)
    kept, tokens = FullCache(), torch.tensor([[START, *text]])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with timing.pinned():
            model(tokens[:, :context], kept)
            times = []
            for step in range(_STEPS):
                began = time.perf_counter()
                model(tokens[:, context + step : context + step + 1], kept)
                times.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return 1000 * timing.typical(times)
