"""Measuring a model whose heads were pooled and which was trained on, on held-out text."""

from __future__ import annotations

from functools import lru_cache

from evidentia.kernels.testbed import evaluate
from evidentia.kernels.testbed.pooling.uptraining import multi_head_model, uptrained
from evidentia.kernels.testbed.weights.measurement import bits_per_byte


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    kv_heads: int,
    steps: int,
    learning_rate: float,
    training_seed: int,
    context: int,
    tokens: int,
) -> dict[str, float]:
    """``bits_per_byte``, ``loss_in_bits`` above the multi-head model as it is shipped on the same pieces, and
    ``cache_bytes_per_token`` and ``bytes_read_per_token`` at 2 bytes a number.

    The seed draws the pieces that are scored; training depends on `training_seed`. Raises ValueError where heads do
    not fall into equal groups, and where the model is not shipped.
    """
    whole = multi_head_model().config.kv_heads
    if kv_heads > whole or whole % kv_heads:
        raise ValueError(f"{whole} key-value heads do not fall into {kv_heads} equal groups")
    # The baseline is one model, trained once, however many heads the others keep.
    kept = whole if kernel == "multi-head" else kv_heads
    model = uptrained(kernel, kept, steps, learning_rate, training_seed)
    found = {
        "cache_bytes_per_token": evaluate.cache_bytes_per_token(model.config),
        "bytes_read_per_token": evaluate.bytes_read_per_token(model, context),
    }
    if {"bits_per_byte", "loss_in_bits"} & set(metrics):
        found["bits_per_byte"] = bits_per_byte(model, seed, context, tokens)
        found["loss_in_bits"] = found["bits_per_byte"] - _multi_head_bits(seed, context, tokens)
    return found


@lru_cache(maxsize=1024)
def _multi_head_bits(seed: int, context: int, tokens: int) -> float:
    return bits_per_byte(multi_head_model(), seed, context, tokens)
