"""Speculative decoding: a small model drafts, the large one verifies (Leviathan et al., algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from evidentia.kernels.decoding.cache import RollbackCache
from evidentia.kernels.decoding.chain import Draft
from evidentia.kernels.decoding.sampling import draw, probabilities
from evidentia.kernels.testbed.data import BYTES
from evidentia.kernels.testbed.model import Decoder


class ModelDrafter:
    """Drafts with a model of its own cache, which is cut back to what of the last draft stands."""

    def __init__(self, model: Decoder, temperature: float, generator: np.random.Generator) -> None:
        self._model, self._temperature, self._generator = model, temperature, generator
        self._cache = RollbackCache()
        self._fed: list[int] = []
        self._read = 0

    def begin(self, text: Sequence[int]) -> None:
        """Read all of `text` but its last token."""
        self._cache, self._fed, self._read = RollbackCache(), list(text[:-1]), 0
        if self._fed:
            self._model(torch.tensor([self._fed], device=self._model.device), self._cache)

    def propose(self, text: Sequence[int], count: int) -> Draft:
        """`count` tokens, each drawn from the model's distribution at the temperature."""
        self._forget(text)
        tokens: list[int] = []
        rows = []
        coming = list(text[len(self._fed) :])
        for _ in range(count):
            self._fed += coming
            logits = self._model(torch.tensor([coming], device=self._model.device), self._cache)[0, -1:]
            rows.append(probabilities(logits, self._temperature)[0])
            tokens.append(draw(rows[-1], self._generator))
            coming = tokens[-1:]
        return Draft(tokens, np.stack(rows) if rows else np.zeros((0, BYTES)))

    def _forget(self, text: Sequence[int]) -> None:
        """Cut back to what `text` shares with what was fed; its last token is always fed anew."""
        shared, limit = self._read, min(len(self._fed), len(text) - 1)
        while shared < limit and self._fed[shared] == text[shared]:
            shared += 1
        shared = min(shared, limit)
        self._cache.truncate(shared)
        del self._fed[shared:]
        self._read = shared
