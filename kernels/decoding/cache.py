"""Caches that forget: of a chain of draft tokens all after the last accepted one, of a tree all but the taken path."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from evidentia.kernels.testbed.cache import FullCache, View


class RollbackCache(FullCache):
    """The plain cache, which can be cut back to an earlier length."""

    def truncate(self, length: int) -> None:
        """Forget every token from position `length` on. Raises ValueError for a length not reached yet."""
        if not 0 <= length <= self.length:
            raise ValueError(f"a cache of {self.length} tokens cannot be cut to {length}")
        self._filled = dict.fromkeys(self._filled, length)

    def repeat(self, count: int) -> None:
        """Let `count` sequences go on from the one seen so far."""
        self._stores = {
            layer: (keys.repeat(count, 1, 1, 1), values.repeat(count, 1, 1, 1))
            for layer, (keys, values) in self._stores.items()
        }


class TreeCache(RollbackCache):
    """Takes in a tree of candidates in one pass, each seeing the past, its ancestors and itself (Medusa, 2.1.2)."""

    def __init__(self) -> None:
        super().__init__()
        self._ancestors: Tensor | None = None
        self._root = 0

    def expect(self, ancestors: Tensor) -> None:
        """The next tokens are nodes of a tree: node i sees node j where ``ancestors[i, j]``, which holds for i = j."""
        self._ancestors, self._root = ancestors, self.length

    def append(self, layer: int, keys: Tensor, values: Tensor, positions: Tensor) -> View:
        """Add `keys` and `values`; a node sees the past and its ancestors, an ordinary token all before it."""
        view = super().append(layer, keys, values, positions)
        if self._ancestors is None:
            return view
        past = self._ancestors.new_ones(len(self._ancestors), self._root)
        return View(view.keys, view.values, torch.cat((past, self._ancestors), dim=1))

    def keep(self, nodes: Sequence[int]) -> None:
        """Of the tree keep these nodes, a path from the root down, as if they alone had been fed."""
        device = next(iter(self._stores.values()))[0].device
        chosen = self._root + torch.tensor(nodes, device=device)
        end = self._root + len(nodes)
        for stores in self._stores.values():
            for store in stores:
                store[:, :, self._root : end] = store[:, :, chosen]
        self._ancestors = None
        self.truncate(end)
