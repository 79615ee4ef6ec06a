"""Training the pooled model on, by the recipe by which the multi-head model was trained (GQA, section 2.1).

The text is of files that the model has been trained on already, so that it sees nothing new: what changes, it learns
about its own heads. Optimiser and decay are those of the first training; moments start at zero, without warm-up.
"""

from __future__ import annotations

from functools import cache, lru_cache

import torch
import torch.nn.functional as F

from evidentia.kernels import registry
from evidentia.kernels.testbed.load import load
from evidentia.kernels.testbed.model import Decoder
from evidentia.kernels.testbed.optimiser import Optimiser
from evidentia.kernels.testbed.train import Schedule
from evidentia.kernels.testbed.weights.sites import LENGTH, calibration_text


@cache
def multi_head_model() -> Decoder:
    """The shipped ``mha`` model, to be copied before it is changed. Raises ValueError where it is not shipped."""
    try:
        return load("mha")
    except KeyError as error:
        raise ValueError(error.args[0]) from None


@lru_cache(maxsize=32)
def uptrained(kernel: str, kv_heads: int, steps: int, learning_rate: float, training_seed: int) -> Decoder:
    """The ``mha`` model as a kernel pools it, trained on: made once for all seeds of a measurement.

    `training_seed` draws the text, and new heads where the kernel draws any. Raises ValueError where heads do not fall
    into equal groups.
    """
    pool = registry.kernel("testbed-pooling", kernel).load()
    generator = torch.Generator().manual_seed(training_seed)
    return train_on(pool(multi_head_model(), kv_heads, generator), steps, learning_rate, training_seed)


def train_on(model: Decoder, steps: int, learning_rate: float, training_seed: int) -> Decoder:
    """Train all weights in place, each step on one sequence of 512 bytes; in the last quarter the rate decays."""
    if steps == 0:
        return model
    optimiser, schedule = (
        Optimiser(model.requires_grad_(True)),
        Schedule(steps=steps, rate=learning_rate, warmup_steps=1),
    )
    for step, tokens in enumerate(torch.split(calibration_text(LENGTH * steps, training_seed), 1)):
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step(schedule.rate_at(step, schedule.progress(step, 0.0)))
    return model.requires_grad_(False)
