"""Decode batches on the test bed's mixture of experts, whose layers ask a router for the whole batch at every step.

Text is given, not generated, so all steps can be computed at once: at step t the batch is the sequences' tokens at one
position. That is the very result of decoding step by step, for no token depends on a later one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidentia.kernels.serving.experts import top_k
from evidentia.kernels.testbed.data import START, texts
from evidentia.kernels.testbed.experts import Experts
from evidentia.kernels.testbed.load import load
from evidentia.kernels.testbed.model import Block, Decoder

Route = Callable[[Tensor, int], Tensor]
"""Weights ``(..., tokens, experts)`` from router logits of that shape and the experts a token may use, each
``(tokens, experts)`` being one batch."""


class Routed(nn.Module):
    """A layer's experts under another routing, from position `history` on; before it every token goes to its own best.

    `chosen` ``(steps, batch, experts)`` says which experts the last call's decoded tokens used.
    """

    def __init__(self, layer: Experts, route: Route, history: int) -> None:
        super().__init__()
        self.router, self.experts, self.active = layer.router, layer.experts, layer.active
        self._route, self._history = route, history
        self.chosen = torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, length, width)`` to the same."""
        steps = x.transpose(0, 1)
        logits = self.router(steps).float()
        early, late = logits[: self._history], logits[self._history :]
        weights = torch.cat((top_k.route(early, self.active), self._route(late, self.active)))
        self.chosen = weights[self._history :] > 0
        mixed = torch.zeros_like(steps)
        for number, expert in enumerate(self.experts):
            used = weights[..., number] > 0
            mixed[used] += weights[..., number][used][:, None] * expert(steps[used])
        return mixed.transpose(0, 1)


@cache
def mixture() -> Decoder:
    """The shipped ``moe`` model, to be copied before it is changed. Raises ValueError where it is not shipped."""
    try:
        return load("moe")
    except KeyError as error:
        raise ValueError(error.args[0]) from None


def routed(model: Decoder, route: Route, history: int) -> tuple[Decoder, list[Routed]]:
    """A copy of a mixture of experts whose layers route by `route` from position `history` on, and those layers."""
    changed, layers = copy.deepcopy(model), []
    for block in changed.blocks:
        assert isinstance(block, Block)
        assert isinstance(block.feed, Experts)
        block.feed = Routed(block.feed, route, history)
        layers.append(block.feed)
    return changed, layers


def expert_bytes(model: Decoder) -> int:
    """Bytes of one expert at 2 bytes a number: three matrices."""
    return 3 * model.config.width * model.config.hidden * 2


@torch.no_grad()
def bits(model: Decoder, batch: Tensor, history: int) -> float:
    """Mean bits of the bytes after the start token and `history` bytes, of ``(batch, 1 + length)`` tokens."""
    logits = model(batch[:, :-1])[:, history:].double()
    return float(F.cross_entropy(logits.flatten(0, 1), batch[:, 1 + history :].flatten())) / math.log(2)


def batches(seed: int, batch: int, context: int, tokens: int) -> tuple[Tensor, ...]:
    """Batches ``(batch, 1 + context)`` of held-out text, each sequence a start token and bytes from a place of its own.

    Places are drawn evenly from all where a context fits, as many as have `tokens` bytes in their second halves, in
    whole batches. At one seed a smaller batch has the same sequences, in order.
    """
    contents = [d.content for d in texts() if d.held_out and len(d.content) >= context]
    rooms = np.cumsum([len(c) - context + 1 for c in contents])
    count = batch * -(-tokens // (batch * (context - context // 2)))
    drawn = []
    for place in np.random.default_rng(seed).integers(int(rooms[-1]), size=count):
        file = int(np.searchsorted(rooms, place, side="right"))
        start = int(place) - (int(rooms[file - 1]) if file else 0)
        drawn.append([START, *contents[file][start : start + context]])
    return torch.split(torch.tensor(drawn), batch)
