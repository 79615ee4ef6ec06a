"""Autoregressive decoding: a pass of the model for every token. The baseline."""

from __future__ import annotations

import numpy as np
import torch

from evidentia.kernels import cuda
from evidentia.kernels.decoding.cache import RollbackCache
from evidentia.kernels.decoding.chain import Generation
from evidentia.kernels.decoding.sampling import draw, probabilities
from evidentia.kernels.testbed.cache import FullCache
from evidentia.kernels.testbed.data import START
from evidentia.kernels.testbed.model import Decoder


@torch.inference_mode()
def generate(
    model: Decoder, prompt: bytes, count: int, *, temperature: float, generator: np.random.Generator
) -> Generation:
    """`count` bytes after the start token and `prompt`, greedy at temperature 0."""
    text, kept, made = [START, *prompt], FullCache(), Generation()
    model(torch.tensor([text[:-1]], device=model.device), kept)
    token, began = text[-1], cuda.clock(model.device)
    while len(made.tokens) < count:
        logits = model(torch.tensor([[token]], device=model.device), kept)[0]
        token = draw(probabilities(logits, temperature)[0], generator)
        made.tokens.append(token)
        made.steps += 1
    made.seconds = cuda.clock(model.device) - began
    return made


@torch.inference_mode()
def rollouts(
    model: Decoder, prompt: bytes, count: int, *, length: int, temperature: float, generator: np.random.Generator
) -> tuple[bytes, ...]:
    """`count` continuations of `length` bytes each, sampled side by side."""
    kept = RollbackCache()
    model(torch.tensor([[START, *prompt[:-1]]]), kept)
    kept.repeat(count)
    tokens = np.full((count, 1), prompt[-1])
    columns = []
    for _ in range(length):
        logits = model(torch.from_numpy(tokens), kept)[:, 0]
        tokens = np.array([[draw(row, generator)] for row in probabilities(logits, temperature)])
        columns.append(tokens)
    return tuple(bytes(row.tolist()) for row in np.concatenate(columns, axis=1))
