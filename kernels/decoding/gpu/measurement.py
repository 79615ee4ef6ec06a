"""Measuring a way of decoding on a CUDA device: what `evidentia.kernels.decoding` measures, the models moved there."""

from __future__ import annotations

from evidentia.kernels import cuda
from evidentia.kernels.decoding import measurement
from evidentia.kernels.registry import Value


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    gamma: int,
    temperature: float,
    prompt_length: int,
    new_tokens: int,
    **settings: Value,
) -> dict[str, float]:
    """``time_per_token`` in ms, its inverse ``tokens_per_second``, ``tokens_per_step`` and ``identical`` in %, as
    `measurement.measure` has them, on the device. Raises ValueError where there is none."""
    cuda.require(kernel)
    of_cpu = tuple(dict.fromkeys("time_per_token" if m == "tokens_per_second" else m for m in metrics))
    found = measurement.measure(
        kernel,
        of_cpu,
        seed=seed,
        gamma=gamma,
        temperature=temperature,
        prompt_length=prompt_length,
        new_tokens=new_tokens,
        device="cuda",
        **settings,
    )
    if "tokens_per_second" in metrics:
        found["tokens_per_second"] = 1000.0 / found["time_per_token"]
    return found
