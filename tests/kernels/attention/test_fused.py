"""The compiled softmax step of fused attention, in float32, against torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from evidentia.kernels.attention import fused
from evidentia.kernels.attention.measurement import PeakMemory
from tests.kernels.attention.test_attention import operands


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    kv_heads=st.integers(1, 3),
    groups=st.integers(1, 3),
    length=st.integers(1, 90),
    kv_length=st.integers(1, 200),
    masked=st.booleans(),
    rows=st.sampled_from([1, 3, 16, 64]),
    block=st.sampled_from([1, 7, 64, 65, 128, 512]),
)
def test_agrees_with_sdpa(
    seed: int, kv_heads: int, groups: int, length: int, kv_length: int, masked: bool, rows: int, block: int
) -> None:
    q, k, v = operands(seed, 2, kv_heads * groups, kv_heads, length, kv_length, 16, torch.float32)
    settings: dict[str, Any] = {"enable_gqa": True, "is_causal": not masked}
    if masked:
        mask = torch.rand(2, 1, length, kv_length, generator=torch.Generator().manual_seed(seed)) > 0.3
        mask[..., 0] = True
        settings["attn_mask"] = mask
    found = fused.attention(q, k, v, block_rows=rows, block_size=block, **settings)
    expected = scaled_dot_product_attention(q.double(), k.double(), v.double(), **settings)
    torch.testing.assert_close(found.double(), expected, rtol=2e-5, atol=2e-6)


def test_the_exponential_is_within_a_few_units_in_the_last_place() -> None:
    x = -np.geomspace(1e-8, 87, 100_000).astype(np.float32)
    scores = np.concatenate([np.zeros(1, np.float32), x])[None, None]
    exact = np.exp(scores.astype(np.float64))
    top, total, keep = np.full((1, 1), -np.inf, np.float32), *np.zeros((2, 1, 1), np.float32)
    fused.softmax(scores, top, total, keep)
    assert top == 0
    assert keep == 0
    units = np.abs(scores - exact)[0, 0, 1:] / np.spacing(exact.astype(np.float32))[0, 0, 1:]
    assert units[x > -10].max() <= 1
    assert units.max() <= 6
    assert total[0, 0] == pytest.approx(exact.sum(), rel=1e-5)


def test_statistics_follow_the_maximum_from_tile_to_tile() -> None:
    top, total, keep = np.full((1, 2), -np.inf, np.float32), *np.zeros((2, 1, 2), np.float32)
    for tile in ([[0.0, 1.0], [3.0, -math.inf]], [[5.0, 2.0], [-math.inf, -math.inf]]):
        fused.softmax(np.array([tile], np.float32), top, total, keep)
    assert top.tolist() == [[5.0, 3.0]]
    assert keep[0] == pytest.approx([math.exp(-4), 1])
    assert total[0] == pytest.approx([math.exp(-5) + math.exp(-4) + 1 + math.exp(-3), 1])


def test_what_is_not_a_number_stays_so() -> None:
    q, k, v = operands(0, 1, 1, 1, 4, 300, 8, torch.float32)
    q[0, 0, 2, 0] = math.nan
    found = fused.attention(q, k, v, block_size=128)
    assert torch.isnan(found[0, 0, 2]).all()
    assert torch.isfinite(found[0, 0, [0, 1, 3]]).all()


def test_memory_does_not_grow_with_the_length() -> None:
    used = []
    for length in (1024, 3072):
        q, k, v = operands(0, 1, 2, 2, length, length, 16, torch.float32)
        with PeakMemory(q, k, v) as memory:
            output = fused.attention(q, k, v)
        used.append(memory.peak_beyond(output))
    assert used[1] < 1.2 * used[0]
