"""Decoding with a drafter: one pass of the model verifies a chain of drafted tokens.

The cache holds all tokens but the last. A step feeds that one and the drafted ones, keeps those that stand and one more
token of the model's own, and cuts the cache back to what stands: 1 to ``gamma + 1`` tokens a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch

from evidentia.kernels import cuda
from evidentia.kernels.decoding.acceptance import accept
from evidentia.kernels.decoding.cache import RollbackCache
from evidentia.kernels.decoding.sampling import Probabilities, probabilities
from evidentia.kernels.testbed.data import BYTES, START
from evidentia.kernels.testbed.model import Decoder

_ONE_HOT = np.eye(BYTES)


@dataclass
class Generation:
    """What was generated after a prompt and what it took.

    `steps` are the model's passes after the prompt's, `examined` the drafted tokens up to and with the first rejected
    one of each step, `accepted` those that stand, `seconds` the wall time after the prompt.
    """

    tokens: list[int] = field(default_factory=list)
    steps: int = 0
    examined: int = 0
    accepted: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Draft:
    """Proposed tokens and the distributions ``(tokens, 256)`` that they were drawn from."""

    tokens: list[int]
    probabilities: Probabilities


class Drafter(Protocol):
    """Proposes how a text goes on. Texts are the start token and bytes."""

    def begin(self, text: Sequence[int]) -> None:
        """Read the prompt, which is no part of the time of decoding."""
        ...

    def propose(self, text: Sequence[int], count: int) -> Draft:
        """Up to `count` tokens after `text`, which goes on from that of the last call in any way."""
        ...


def certain(tokens: list[int]) -> Draft:
    """A draft without chance: all mass on the proposed tokens."""
    return Draft(tokens, _ONE_HOT[np.array(tokens, np.int64)])


@torch.inference_mode()
def generate(
    model: Decoder,
    prompt: bytes,
    count: int,
    drafter: Drafter,
    *,
    gamma: int,
    temperature: float,
    generator: np.random.Generator,
) -> Generation:
    """At least `count` bytes after the start token and `prompt`, in steps of at most ``gamma + 1``.

    Distributed as the model's own at `temperature`; at 0 the same bytes as greedy decoding's.
    """
    text, kept, made = [START, *prompt], RollbackCache(), Generation()
    model(torch.tensor([text[:-1]], device=model.device), kept)
    drafter.begin(text)
    began = cuda.clock(model.device)
    while len(made.tokens) < count:
        draft = drafter.propose(text, gamma)
        logits = model(torch.tensor([[text[-1], *draft.tokens]], device=model.device), kept)[0]
        standing, following = accept(draft.tokens, draft.probabilities, probabilities(logits, temperature), generator)
        new = [*draft.tokens[:standing], following]
        text += new
        kept.truncate(len(text) - 1)
        made.tokens += new
        made.steps += 1
        made.accepted += standing
        made.examined += min(standing + 1, len(draft.tokens))
    made.seconds = cuda.clock(model.device) - began
    return made
