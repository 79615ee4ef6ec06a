"""Round-to-nearest against a weight-by-weight reference, torch's quantizers, and laws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.kernels import registry
from evidentia.kernels.quantization import round_to_nearest as rtn

schemes = st.sampled_from(["symmetric", "asymmetric"])
bit_widths = st.integers(2, 8)


def weights(seed: int, rows: int, columns: int) -> rtn.Weights:
    generator = np.random.default_rng(seed)
    return generator.standard_t(3, (rows, columns)) + generator.standard_normal()


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 999),
    rows=st.integers(1, 5),
    columns=st.integers(1, 33),
    bits=bit_widths,
    scheme=schemes,
    group=st.integers(1, 40),
)
def test_groups_agree_with_the_reference(
    seed: int, rows: int, columns: int, bits: int, scheme: str, group: int
) -> None:
    weight = weights(seed, rows, columns)
    found = rtn.per_group(weight, bits, scheme, group).dequantize()
    np.testing.assert_allclose(found, rtn.reference(weight, bits, scheme, group), rtol=0, atol=1e-12)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), bits=bit_widths, scheme=schemes, group=st.sampled_from([1, 3, 8, 32]))
def test_codes_are_in_range_and_errors_within_a_step(seed: int, bits: int, scheme: str, group: int) -> None:
    weight = weights(seed, 4, 32)
    q = rtn.per_group(weight, bits, scheme, group)
    low, high = (-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1) if scheme == "symmetric" else (0, 2**bits - 1)
    assert q.codes.min() >= low
    assert q.codes.max() <= high
    steps = q.scales.astype(float)[:, np.arange(32) // group]
    slack = 0.5 if scheme == "symmetric" else 1.0
    assert (np.abs(q.dequantize() - weight) <= slack * steps + 1e-12).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), bits=bit_widths, group=st.sampled_from([4, 16, 32]))
def test_quantizing_the_quantized_changes_nothing(seed: int, bits: int, group: int) -> None:
    once = rtn.per_group(weights(seed, 3, 32), bits, "symmetric", group).dequantize()
    np.testing.assert_allclose(rtn.per_group(once, bits, "symmetric", group).dequantize(), once, atol=1e-12)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_symmetric_codes_are_those_of_torch_at_the_same_scale(bits: int) -> None:
    weight = weights(5, 6, 40)
    q = rtn.per_channel(weight, bits, "symmetric")
    top = 2 ** (bits - 1) - 1
    expected = torch.fake_quantize_per_channel_affine(
        torch.tensor(weight, dtype=torch.float32),
        torch.tensor(q.scales[:, 0].astype(np.float32)),
        torch.zeros(6, dtype=torch.int32),
        0,
        -top,
        top,
    )
    np.testing.assert_allclose(q.dequantize(), expected.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scheme", ["symmetric", "asymmetric"])
def test_granularities_meet_where_they_are_the_same(scheme: str) -> None:
    weight = weights(1, 4, 24)
    channel = rtn.per_channel(weight, 4, scheme).dequantize()
    np.testing.assert_array_equal(rtn.per_group(weight, 4, scheme, 24).dequantize(), channel)
    np.testing.assert_array_equal(rtn.per_group(weight, 4, scheme, 999).dequantize(), channel)
    row = weight[:1]
    np.testing.assert_array_equal(
        rtn.per_tensor(row, 4, scheme).dequantize(), rtn.per_channel(row, 4, scheme).dequantize()
    )


def test_zeros_stay_zero_and_bits_per_weight_counts_scales() -> None:
    q = rtn.per_group(np.zeros((2, 8)), 3, "symmetric", 4)
    assert (q.dequantize() == 0).all()
    assert q.bits_per_weight == 3 + 16 / 4
    assert rtn.per_group(np.ones((2, 8)), 3, "asymmetric", 4).bits_per_weight == 3 + (16 + 3) / 4


@pytest.mark.parametrize("kernel", ["rtn-tensor", "rtn-channel", "rtn-group"])
@pytest.mark.parametrize("kind", ["gaussian", "student-t", "outlier-channels"])
def test_more_bits_mean_less_error(kernel: str, kind: str) -> None:
    errors = [
        registry.measure("quantization", kernel, ["output_error"], seed=0, bits=b, weights=kind)["output_error"]
        for b in range(2, 9)
    ]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(
    ("bits", "scheme", "group", "word"),
    [(1, "symmetric", 4, "bits"), (9, "symmetric", 4, "bits"), (4, "odd", 4, "scheme"), (4, "symmetric", 0, "group")],
)
def test_bad_settings_are_named(bits: int, scheme: str, group: int, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        rtn.per_group(np.ones((2, 4)), bits, scheme, group)


def test_weights_beyond_float16_scales_are_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        rtn.per_tensor(np.full((2, 2), 1e9), 8, "symmetric")
