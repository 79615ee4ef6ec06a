"""Measuring one attention kernel on random inputs: error against float64, temporary memory, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from evidentia.kernels import registry, timing
from evidentia.kernels.attention import standard
from evidentia.kernels.registry import Value

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class PeakMemory(TorchDispatchMode):
    """Counts, after every operation, the bytes of the tensors that are alive.

    The storages of `given` do not count; nor does scratch memory inside one operation, which no tensor holds. Torch
    is held to one thread meanwhile: another thread's tensors would not be seen.
    """

    def __init__(self, *given: Tensor) -> None:
        super().__init__()
        self._totals: list[int] = []
        self._given = {t.untyped_storage()._cdata for t in given}
        self._alive: dict[int, tuple[StorageWeakRef, int, int]] = {}

    def __enter__(self) -> Self:
        self._threads = torch.get_num_threads()
        torch.set_num_threads(1)
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        torch.set_num_threads(self._threads)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                storage = leaf.untyped_storage()
                if storage._cdata not in self._given | self._alive.keys():
                    self._alive[storage._cdata] = (StorageWeakRef(storage), storage.nbytes(), len(self._totals))
        self._alive = {k: v for k, v in self._alive.items() if not v[0].expired()}
        self._totals.append(sum(size for _, size, _ in self._alive.values()))
        return result

    @property
    def peak(self) -> int:
        """The highest sum, in bytes."""
        return max(self._totals, default=0)

    def peak_beyond(self, *outputs: Tensor) -> int:
        """The highest sum without `outputs`, which are still alive: their bytes count from their birth on, so taking
        them off `peak` would be wrong where the peak came before it."""
        totals = list(self._totals)
        for storage in {t.untyped_storage()._cdata for t in outputs}:
            _, size, birth = self._alive.get(storage, (None, 0, 0))
            totals[birth:] = [total - size for total in totals[birth:]]
        return max(0, *totals)


def inputs(
    seed: int, batch: int, heads: int, length: int, head_dim: int, dtype: str, logit_scale: float, outliers: float = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Standard normal query, key and value ``(batch, heads, length, head_dim)``; the query times `logit_scale`.

    To a share `outliers` of all entries a normal number of deviation 10 is added (FlashAttention-3, section 4.3).
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(batch, heads, length, head_dim, generator=generator) for _ in range(3)]
    if outliers:
        for tensor in drawn:
            struck = torch.rand(tensor.shape, generator=generator) < outliers
            tensor += struck * 10.0 * torch.randn(tensor.shape, generator=generator)
    drawn[0] *= logit_scale
    query, key, value = (t.to(_DTYPES[dtype]) for t in drawn)
    return query, key, value


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    length: int,
    heads: int,
    head_dim: int,
    batch: int,
    causal: bool,
    dtype: str,
    logit_scale: float,
    outliers: float,
    **settings: Value,
) -> dict[str, float]:
    """``relative_error`` (RMS error over RMS output, against float64), ``max_error``, ``extra_memory`` in bytes
    beyond inputs and output, ``time`` in ms on one thread (`median_seconds`).

    A kernel that needs a GPU is measured on one. Raises ValueError where there is none.
    """
    card = registry.kernel("attention", kernel)
    if card.needs_gpu and not torch.cuda.is_available():
        raise ValueError(f"{kernel} needs a CUDA device, and there is none here")
    attention = card.load()
    drawn = inputs(seed, batch, heads, length, head_dim, dtype, logit_scale, outliers)
    query, key, value = (t.cuda() if card.needs_gpu else t for t in drawn)
    found: dict[str, float] = {}

    def run() -> Tensor:
        result: Tensor = attention(query, key, value, is_causal=causal, **settings)
        if result.is_cuda:
            torch.cuda.synchronize()
        return result

    with torch.no_grad():
        if "relative_error" in metrics or "max_error" in metrics:
            exact = standard.attention(query.double(), key.double(), value.double(), is_causal=causal)
            error = run().double() - exact
            found["relative_error"] = float((error.square().mean() / exact.square().mean()).sqrt())
            found["max_error"] = float(error.abs().max())
        if "extra_memory" in metrics:
            with PeakMemory(query, key, value) as memory:
                output = run()
            found["extra_memory"] = float(memory.peak_beyond(output))
        if "time" in metrics:
            found["time"] = 1e3 * median_seconds(run)
    return found


def median_seconds(run: Callable[[], object]) -> float:
    """Wall time of one run on one thread of one core: the median of seven after one, without outliers
    (`evidentia.kernels.timing` has the rule)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return timing.median_seconds(run)
    finally:
        torch.set_num_threads(threads)
