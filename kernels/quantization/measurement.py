"""Measuring a weight quantizer on a random linear layer: error of weights and output, bits per weight."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evidentia.kernels import registry
from evidentia.kernels.registry import Value

_SAMPLES = 256
_OUTLIER_EVERY, _OUTLIER_FACTOR = 64, 10.0
_FREEDOM = 4.0


def layer(
    seed: int, weights: str, out_features: int, in_features: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight ``(out, in)`` and inputs ``(256, in)``.

    ``gaussian``: standard normal; ``student-t``: four degrees of freedom; ``outlier-channels``: normal with every
    64th input channel ten times larger. Inputs are standard normal.
    """
    generator = np.random.default_rng(seed)
    if weights == "student-t":
        weight = generator.standard_t(_FREEDOM, (out_features, in_features))
    else:
        weight = generator.standard_normal((out_features, in_features))
    if weights == "outlier-channels":
        weight[:, ::_OUTLIER_EVERY] *= _OUTLIER_FACTOR
    return weight, generator.standard_normal((_SAMPLES, in_features))


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    bits: int,
    weights: str,
    scheme: str,
    in_features: int,
    out_features: int,
    **settings: Value,
) -> dict[str, float]:
    """``output_error`` and ``weight_error`` in % of the exact norm, ``max_error`` of a weight, ``bits_per_weight``."""
    weight, data = layer(seed, weights, out_features, in_features)
    quantized = registry.kernel("quantization", kernel).load()(weight, bits, scheme, **settings)
    error = quantized.dequantize() - weight
    ways: dict[str, Callable[[], float]] = {
        "output_error": lambda: percent(data @ error.T, data @ weight.T),
        "weight_error": lambda: percent(error, weight),
        "max_error": lambda: float(np.abs(error).max()),
        "bits_per_weight": lambda: quantized.bits_per_weight,
    }
    return {name: ways[name]() for name in metrics}


def percent(error: NDArray[np.float64], exact: NDArray[np.float64]) -> float:
    """Norm of the error over the norm of what is exact, in %: 10 % is a signal-to-noise ratio of 20 dB."""
    return 100.0 * float(np.linalg.norm(error) / np.linalg.norm(exact))
