"""Next-token distributions at a temperature, and drawing from them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evidentia.kernels.testbed.data import BYTES

Probabilities = NDArray[np.float64]


def probabilities(logits: Tensor, temperature: float) -> Probabilities:
    """Distributions over the 256 bytes from logits ``(length, vocabulary)``: ``(length, 256)`` in float64.

    At temperature 0 all mass lies on the largest logit, the first of equal ones. The start token, which ends a file,
    is left out, so that every run is as long as it is asked to be.
    """
    kept = logits[:, :BYTES]
    if temperature == 0.0:
        best = kept.argmax(-1)
        return torch.nn.functional.one_hot(best, BYTES).double().cpu().numpy()
    return (kept.double() / temperature).softmax(-1).cpu().numpy()


def draw(distribution: Probabilities, generator: np.random.Generator) -> int:
    """A token of `distribution` ``(vocabulary,)``, which need not sum to 1."""
    cumulated = np.cumsum(distribution)
    return int(np.searchsorted(cumulated, generator.random() * cumulated[-1], side="right"))
