"""Attention kernels against float64 and against torch's own SDPA."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from evidentia.kernels import registry
from evidentia.kernels.attention import (
    block_sparse,
    conditional_rescaling,
    flash,
    flash_v1,
    fused,
    polynomial_exp2,
    standard,
    tiled,
)
from evidentia.kernels.attention.measurement import PeakMemory

KERNELS: dict[str, Callable[..., Tensor]] = {
    "standard": standard.attention,
    "tiled": tiled.attention,
    "fused": fused.attention,
    "flash": flash.attention,
    "flash-v1": flash_v1.attention,
    "conditional-rescaling": conditional_rescaling.attention,
    "polynomial-exp2": partial(polynomial_exp2.attention, degree=12),
    "block-sparse": partial(block_sparse.attention, density=1.0),
}


def operands(
    seed: int, batch: int, heads: int, kv_heads: int, length: int, kv_length: int, dim: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(batch, heads, length, dim), (batch, kv_heads, kv_length, dim), (batch, kv_heads, kv_length, dim)]
    query, key, value = (torch.randn(s, generator=generator, dtype=torch.float64).to(dtype) for s in shapes)
    return query, key, value


@pytest.mark.parametrize("name", sorted(KERNELS))
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    batch=st.integers(1, 2),
    kv_heads=st.integers(1, 3),
    groups=st.integers(1, 3),
    length=st.integers(1, 37),
    kv_length=st.integers(1, 41),
    dim=st.sampled_from([1, 3, 8, 16]),
    causal=st.booleans(),
    block=st.sampled_from([1, 2, 7, 16, 64]),
    rows=st.sampled_from([1, 3, 16, 64]),
)
def test_agrees_with_sdpa_over_random_shapes(
    name: str,
    seed: int,
    batch: int,
    kv_heads: int,
    groups: int,
    length: int,
    kv_length: int,
    dim: int,
    causal: bool,
    block: int,
    rows: int,
) -> None:
    q, k, v = operands(seed, batch, kv_heads * groups, kv_heads, length, kv_length, dim, torch.float64)
    extra = {"block_size": block, "block_rows": rows}
    extra = {"standard": {}, "block-sparse": {"mask_block": block}}.get(name, extra)
    found = KERNELS[name](q, k, v, is_causal=causal, enable_gqa=True, **extra)
    expected = scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", sorted(KERNELS))
@pytest.mark.parametrize("boolean", [True, False])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), length=st.integers(1, 20), kv_length=st.integers(1, 20))
def test_agrees_with_sdpa_under_masks(name: str, boolean: bool, seed: int, length: int, kv_length: int) -> None:
    q, k, v = operands(seed, 2, 2, 2, length, kv_length, 8, torch.float64)
    allowed = torch.rand(2, 1, length, kv_length, generator=torch.Generator().manual_seed(seed)) > 0.3
    allowed[..., 0] = True
    mask = allowed if boolean else torch.zeros(allowed.shape, dtype=torch.float64).masked_fill(~allowed, -2.5)
    torch.testing.assert_close(
        KERNELS[name](q, k, v, attn_mask=mask),
        scaled_dot_product_attention(q, k, v, attn_mask=mask),
        rtol=1e-10,
        atol=1e-12,
    )


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_a_row_that_may_look_at_nothing_is_zero(name: str) -> None:
    q, k, v = operands(0, 1, 1, 1, 5, 5, 8, torch.float64)
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[2] = False
    found = KERNELS[name](q, k, v, attn_mask=mask)
    assert (found[0, 0, 2] == 0).all()
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("name", sorted(KERNELS))
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.bfloat16, 0.03), (torch.float16, 4e-3)])
def test_low_precision_stays_near_float64(name: str, dtype: torch.dtype, bound: float) -> None:
    q, k, v = operands(1, 1, 2, 2, 129, 129, 32, dtype)
    exact = scaled_dot_product_attention(q.double(), k.double(), v.double())
    found = KERNELS[name](q, k, v)
    assert found.dtype == dtype
    assert (found.double() - exact).abs().max() < bound


def test_large_logits_do_not_overflow() -> None:
    q, k, v = operands(2, 1, 1, 1, 40, 40, 16, torch.float32)
    found = tiled.attention(100 * q, k, v, block_size=8)
    torch.testing.assert_close(found, standard.attention(100 * q, k, v), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_shapes_that_do_not_fit_are_named(name: str) -> None:
    q, k, v = operands(0, 1, 3, 2, 4, 4, 8, torch.float32)
    with pytest.raises(ValueError, match="at least 1"):
        tiled.attention(k, k, v, block_size=0)
    with pytest.raises(ValueError, match="3 heads on 2"):
        KERNELS[name](q, k, v)
    with pytest.raises(ValueError, match="do not fit"):
        KERNELS[name](q[:, :2], k, v[..., :2, :])
    with pytest.raises(ValueError, match="not both"):
        KERNELS[name](k, k, v, attn_mask=torch.ones(4, 4, dtype=torch.bool), is_causal=True)
    with pytest.raises(ValueError, match="batch, heads"):
        KERNELS[name](q[0], k[0], v[0])
    with pytest.raises(ValueError, match="does not broadcast"):
        KERNELS[name](k, k, v, attn_mask=torch.ones(3, 4, dtype=torch.bool))


def test_peak_memory_is_that_counted_by_hand() -> None:
    given_ = torch.zeros(1000)
    with PeakMemory(given_) as memory:
        first = given_ + 1
        second = first * 2
        del first
        third = second - 1
        del second, third
    assert memory.peak == 2 * 4000


def test_peak_memory_beyond_the_output_counts_what_was_before_it() -> None:
    given_ = torch.zeros(1000)
    with PeakMemory(given_) as memory:
        early = given_.repeat(3)
        del early
        output = given_ + 1
    assert memory.peak_beyond(output) == 3 * 4000


def test_a_view_costs_no_memory() -> None:
    given_ = torch.zeros(1000)
    with PeakMemory(given_) as memory:
        assert given_.view(10, 100)[3].sum() == 0
    assert memory.peak <= 64


def test_memory_of_tiled_is_bounded_whatever_the_length_and_heads() -> None:
    used = []
    for heads, length in ((4, 1024), (4, 3072), (16, 1024)):
        q, k, v = operands(0, 1, heads, heads, length, length, 16, torch.float32)
        with PeakMemory(q, k, v) as memory:
            output = tiled.attention(q, k, v, is_causal=True)
        used.append(memory.peak_beyond(output))
    assert max(used) < 1.2 * min(used)


def _exponent(name: str) -> float:
    lengths = torch.tensor([256.0, 512.0, 1024.0, 2048.0])
    used = [
        registry.measure("attention", name, ["extra_memory"], seed=0, length=int(n), heads=1)["extra_memory"]
        for n in lengths
    ]
    x, y = lengths.log(), torch.tensor(used).log()
    return float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())


def test_extra_memory_grows_at_most_linearly_when_tiled_and_quadratically_when_not() -> None:
    assert all(
        _exponent(name) <= 1.1 for name in ("tiled", "fused", "flash-v1", "conditional-rescaling", "polynomial-exp2")
    )
    assert _exponent("standard") >= 1.9


def test_error_of_exact_kernels_is_of_the_order_of_standard() -> None:
    error = {
        n: registry.measure("attention", n, ["relative_error"], seed=4, length=512)["relative_error"]
        for n in ("standard", "tiled", "flash-v1", "conditional-rescaling")
    }
    assert all(0.5 < e / error["standard"] < 2.0 for e in error.values())
