"""The tiles of an exact attention schedule: which queries meet which keys, and the masked scores of one tile.

Heads that share a key head are folded into rows, so that every product is one batched matrix product of
``(units, rows, dim)``; a unit is one key/value head of one sequence.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from evidentia.kernels.attention.standard import check_shapes, softmax_scale

TILE_SCORES = 1 << 20
"""Scores computed at once, over as many units as that allows: 4 MiB in float32."""


@dataclass(frozen=True)
class Rows:
    """A block of queries: of the units ``first:last`` the positions ``start:stop``."""

    first: int
    last: int
    start: int
    stop: int

    @property
    def units(self) -> slice:
        """The units as a slice."""
        return slice(self.first, self.last)


class Tiles:
    """The operands of one call, folded into units, and the buffer one tile's scores are computed in.

    `block_rows` queries (over all heads that share a key head) meet `block_size` keys at a time. Products and
    statistics are in `wide`: float32, or float64 for float64 inputs. Raises ValueError on shapes that do not fit, on
    empty blocks, and where autograd would have to follow.
    """

    def __init__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None,
        is_causal: bool,
        scale: float | None,
        enable_gqa: bool,
        block_rows: int,
        block_size: int,
    ) -> None:
        check_shapes(query, key, value, attn_mask, is_causal, enable_gqa)
        for name, size in (("block_rows", block_rows), ("block_size", block_size)):
            if size < 1:
                raise ValueError(f"{name} must be at least 1, not {size}")
        if torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value)):
            raise ValueError("this kernel has no gradients; use flash.attention, or torch.no_grad()")
        batch, heads, self.length, _ = query.shape
        self.kv_heads, self.kv_length = key.shape[1:3]
        self.groups = heads // self.kv_heads
        self.shape = (batch, heads, self.length, value.shape[-1])
        self.dtype = query.dtype
        self.wide = torch.float64 if query.dtype == torch.float64 else torch.float32
        self.factor = softmax_scale(query, scale)
        self.causal, self.masked = is_causal, attn_mask is not None
        self.query, self.key, self.value = self.fold(query), key.flatten(0, 1), value.flatten(0, 1)
        if attn_mask is not None:
            whole = attn_mask.expand(batch, heads, self.length, self.kv_length)
            self._mask = whole.view(batch, self.kv_heads, self.groups, self.length, self.kv_length)
        self.rows = min(max(1, block_rows // self.groups), max(1, self.length))
        self.columns = min(block_size, max(1, self.kv_length))
        tile = self.groups * self.rows * self.columns
        self.together = min(max(1, TILE_SCORES // tile), max(1, batch * self.kv_heads))
        self._scores = query.new_empty(self.together * tile, dtype=self.wide)

    def fold(self, tensor: Tensor) -> Tensor:
        """``(batch, heads, length, dim)`` as ``(units, groups, length, dim)``."""
        return tensor.reshape(tensor.shape[0] * self.kv_heads, self.groups, *tensor.shape[2:])

    def twin(self) -> Tiles:
        """The same operands with a buffer of its own, for another thread."""
        other = copy.copy(self)
        other._scores = torch.empty_like(self._scores)
        return other

    def row_blocks(self) -> Iterator[Rows]:
        """All blocks of queries, those of the same units one after the other."""
        for first in range(0, self.query.shape[0], self.together):
            last = min(first + self.together, self.query.shape[0])
            for start in range(0, self.length, self.rows):
                yield Rows(first, last, start, min(start + self.rows, self.length))

    def key_blocks(self, rows: Rows) -> Iterator[slice]:
        """The blocks of keys that `rows` may look at."""
        last = min(self.kv_length, rows.stop) if self.causal else self.kv_length
        for start in range(0, last, self.columns):
            yield slice(start, min(start + self.columns, last))

    def part(self, tensor: Tensor, rows: Rows) -> Tensor:
        """The rows of a tensor ``(units, groups, length, ...)`` in the wide type: ``(units, rows, ...)``."""
        return tensor[rows.units, :, rows.start : rows.stop].to(self.wide).flatten(1, 2)

    def queries(self, rows: Rows) -> Tensor:
        """The queries of `rows`, scaled."""
        return self.part(self.query, rows) * self.factor

    def keys(self, rows: Rows, columns: slice) -> Tensor:
        """The keys that `rows` meet, in the wide type."""
        return self.key[rows.units, columns].to(self.wide)

    def values(self, rows: Rows, columns: slice) -> Tensor:
        """Their values, in the wide type."""
        return self.value[rows.units, columns].to(self.wide)

    def scores(self, queries: Tensor, rows: Rows, columns: slice) -> Tensor:
        """Scaled and masked scores ``(units, rows, columns)``, in the buffer that the next call overwrites."""
        keys = self.keys(rows, columns)
        shape = (*queries.shape[:2], keys.shape[1])
        scores = self._scores[: math.prod(shape)].view(shape)
        torch.bmm(queries, keys.transpose(1, 2), out=scores)
        tile = scores.view(shape[0], self.groups, -1, shape[2])
        if self.causal and columns.stop > rows.start + 1:
            begin = max(columns.start, rows.start)
            size = (rows.stop - rows.start, columns.stop - begin)
            late = scores.new_full(size, -math.inf).triu_(1 + rows.start - begin)
            tile[..., begin - columns.start :].add_(late)
        if self.masked:
            units = torch.arange(rows.first, rows.last, device=scores.device)
            mask = self._mask[units // self.kv_heads, units % self.kv_heads, :, rows.start : rows.stop, columns]
            if mask.dtype == torch.bool:
                tile.masked_fill_(mask.logical_not_(), -math.inf)
            else:
                tile.add_(mask)
        return scores

    def rounded(self, weights: Tensor) -> Tensor:
        """The weights in the inputs' type and back, as an operand of a product is; in their place."""
        return weights if weights.dtype == self.dtype else weights.copy_(weights.to(self.dtype))

    def unfold(self, tensor: Tensor, rows: Rows) -> Tensor:
        """``(units, rows, ...)`` as ``(units, groups, positions, ...)``, to be put into a folded tensor."""
        return tensor.view(tensor.shape[0], self.groups, rows.stop - rows.start, *tensor.shape[2:])


def by_units(tiles: Tiles) -> list[list[Rows]]:
    """All blocks of queries, in parts that share no keys."""
    return [list(part) for _, part in itertools.groupby(tiles.row_blocks(), key=lambda rows: rows.first)]


def share(tiles: Tiles, parts: Sequence[list[Rows]], task: Callable[[Tiles, list[Rows]], None]) -> None:
    """Run `task` on all parts, which torch's threads share among them; each has a buffer of its own.

    Every thread runs its operations alone. Were each of the many short operations divided among the threads, all would
    wait for the slowest of them several times per tile.
    """
    every, waiting = torch.get_num_threads(), iter(parts)
    threads = min(every, len(parts)) if tiles.query.device.type == "cpu" else 1
    inference = torch.is_inference_mode_enabled()

    def take(own: Tiles) -> None:
        for part in waiting:
            task(own, part)

    def alone(own: Tiles) -> None:
        torch.set_num_threads(1)
        with torch.inference_mode(inference), torch.no_grad():
            take(own)

    if threads <= 1:
        take(tiles)
        return
    try:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(alone, [tiles, *(tiles.twin() for _ in range(threads - 1))]))
    finally:
        torch.set_num_threads(every)
