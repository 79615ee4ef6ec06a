"""Measuring attention as a decoder runs it: the states it keeps, the work it does, and how true it stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from evidentia.kernels.attention.measurement import median_seconds
from evidentia.kernels.attention.recurrent import linear, log_linear, softmax

_FORMS: dict[str, ModuleType] = {"softmax-cache": softmax, "linear": linear, "log-linear": log_linear}


class MultiplyAdds(TorchDispatchMode):
    """Counts the multiply-adds of the matrix products that run under it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (torch.ops.aten.mm.default, torch.ops.aten.bmm.default):
            left, right = args
            self.total += left.numel() * right.shape[-1]
        return func(*args, **(kwargs or {}))


def inputs(
    seed: int, batch: int, heads: int, length: int, head_dim: int, dtype: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Standard normal query, key and value ``(batch, heads, length, head_dim)`` and the weights of the levels
    ``(batch, heads, length, levels)``: the softplus of a standard normal number, drawn in place of a trained layer."""
    generator = torch.Generator().manual_seed(seed)
    query, key, value = (torch.randn(batch, heads, length, head_dim, generator=generator) for _ in range(3))
    drawn = torch.randn(batch, heads, length, log_linear.levels(length), generator=generator)
    weights = torch.nn.functional.softplus(drawn)
    kind: torch.dtype = getattr(torch, dtype)
    return query.to(kind), key.to(kind), value.to(kind), weights.to(kind)


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    length: int,
    chunk_size: int,
    head_dim: int,
    heads: int,
    batch: int,
    dtype: str,
) -> dict[str, float]:
    """``states`` and ``state_bytes`` alive at most, ``operations`` in multiply-adds, ``form_error`` as a fraction of
    the root-mean-square result, ``time`` in ms on one thread (median of seven passes after one, without outliers)."""
    form = _FORMS[kernel]
    operands = inputs(seed, batch, heads, length, head_dim, dtype)
    found: dict[str, float] = {}
    with torch.no_grad(), _one_thread():
        if "form_error" in metrics:
            exact: Tensor = form.parallel(*(x.double() for x in operands))
            error = run(form, operands, chunk_size)[0].double() - exact
            found["form_error"] = float((error.square().mean() / exact.square().mean()).sqrt())
        if "states" in metrics or "state_bytes" in metrics:
            _, found["states"], found["state_bytes"] = run(form, operands, chunk_size)
        if "operations" in metrics:
            with MultiplyAdds() as counter:
                run(form, operands, chunk_size)
            found["operations"] = float(counter.total)
        if "time" in metrics:
            found["time"] = 1e3 * median_seconds(lambda: run(form, operands, chunk_size))
    return found


def run(form: ModuleType, operands: tuple[Tensor, ...], chunk_size: int) -> tuple[Tensor, int, int]:
    """The sequence decoded in chunks: the result, the most states and the most bytes of state alive after a chunk."""
    state, rows, states, size = form.State(), [], 0, 0
    for start in range(0, operands[0].shape[2], chunk_size):
        rows.append(state.extend(*(x[:, :, start : start + chunk_size] for x in operands)))
        states = max(states, state.count)
        size = max(size, sum(x.numel() * x.element_size() for x in state.tensors()))
    return torch.cat(rows, dim=2), states, size


@contextmanager
def _one_thread() -> Iterator[None]:
    """The products of one token are so small that a second thread would only be waited for."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
