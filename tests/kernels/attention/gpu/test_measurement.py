"""Attention on a device: the arithmetic of its metrics on the CPU, and on a device all kernels against float64."""

from __future__ import annotations

import pytest
import torch

from evidentia.kernels import cuda, registry
from evidentia.kernels.attention import standard
from evidentia.kernels.attention.gpu import backends
from evidentia.kernels.attention.gpu.measurement import inputs, measure, measured, operations
from evidentia.kernels.attention.operations import Work

FAMILY = "attention-gpu"
METRICS = ("time", "tflops", "share_of_peak", "share_of_copy")
KERNELS = [k.name for k in registry.kernels(FAMILY)]
needs_device = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.parametrize("shape", [(1, 2, 5, 7, 4), (3, 4, 16, 1, 8)])
def test_operations_are_those_of_the_two_products(shape: tuple[int, int, int, int, int]) -> None:
    batch, heads, queries, keys, dim = shape
    query, key = torch.randn(batch, heads, queries, dim), torch.randn(batch, heads, keys, dim)
    work = Work()
    standard.attention(query, key, key, work=work)
    assert operations(*shape, causal=False) == work.matmul_operations
    assert operations(*shape, causal=True) == work.matmul_operations / 2


def test_inputs_depend_on_the_seed_alone() -> None:
    first = inputs(3, 2, 4, 2, 5, 9, 8, "bfloat16", "cpu")
    assert [tuple(t.shape) for t in first] == [(2, 4, 5, 8), (2, 2, 9, 8), (2, 2, 9, 8)]
    assert {t.dtype for t in first} == {torch.bfloat16}
    assert all(torch.equal(a, b) for a, b in zip(first, inputs(3, 2, 4, 2, 5, 9, 8, "bfloat16", "cpu"), strict=True))
    assert not torch.equal(first[0], inputs(4, 2, 4, 2, 5, 9, 8, "bfloat16", "cpu")[0])


def test_metrics_follow_from_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "seconds", lambda run, device: (run(), 2e-3)[1])
    monkeypatch.setattr(cuda, "matmul_rate", lambda dtype, device: 1e9)
    monkeypatch.setattr(cuda, "copy_rate", lambda device: 1e6)
    operands = inputs(0, 2, 4, 2, 1, 100, 16, "float16", "cpu")
    found = measured(standard.attention, operands, METRICS, False, "cpu")
    flop, read = 4 * 2 * 4 * 1 * 100 * 16, 2 * (2 * 2 * 100 * 16) * 2
    assert found["time"] == pytest.approx(2.0)
    assert found["tflops"] == pytest.approx(flop / 2e-3 / 1e12)
    assert found["share_of_peak"] == pytest.approx(100 * flop / 2e-3 / 1e9)
    assert found["share_of_copy"] == pytest.approx(100 * read / 2e-3 / 1e6)
    assert set(measured(standard.attention, operands, ("time",), False, "cpu")) == {"time", "tflops"}


def test_the_reference_backend_is_standard_attention() -> None:
    query, key, value = (t.float() for t in inputs(1, 1, 4, 2, 9, 9, 8, "float16", "cpu"))
    for causal in (False, True):
        found = backends.math(query, key, value, is_causal=causal, enable_gqa=True)
        exact = standard.attention(query, key, value, is_causal=causal, enable_gqa=True)
        assert torch.allclose(found, exact, atol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_without_a_device_nothing_is_measured(kernel: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(ValueError, match="needs a CUDA device"):
        registry.measure(FAMILY, kernel, ["time"], seed=0)


def test_conditions_of_one_phase_do_not_stand_in_the_other() -> None:
    prefill = registry.complete(FAMILY, "sdpa-flash", {"phase": "prefill"})
    decode = registry.complete(FAMILY, "sdpa-flash", {"phase": "decode"})
    assert {"length", "causal"} <= prefill.keys() - decode.keys()
    assert {"context"} == decode.keys() - prefill.keys()


@needs_device
@pytest.mark.parametrize("phase", ["prefill", "decode"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_is_right_on_a_device(kernel: str, phase: str) -> None:
    queries = 256 if phase == "prefill" else 1
    operands = inputs(0, 2, 4, 4, queries, 256, 64, "bfloat16", "cuda")
    found = registry.kernel(FAMILY, kernel).load()(*operands, is_causal=phase == "prefill", enable_gqa=False)
    query, key, value = (t.double() for t in operands)
    exact = standard.attention(query, key, value, is_causal=phase == "prefill")
    assert (found.double() - exact).abs().max() < 2.5e-2


@needs_device
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_is_measured_on_a_device(kernel: str) -> None:
    found = measure(
        kernel,
        METRICS,
        seed=0,
        phase="prefill",
        batch=2,
        heads=16,
        kv_heads=16,
        head_dim=64,
        dtype="bfloat16",
        length=512,
    )
    assert 0 < found["share_of_peak"] < 110
    assert found["time"] > 0


@needs_device
def test_heads_that_cannot_be_shared_are_named() -> None:
    with pytest.raises(ValueError, match="4 heads cannot share 3"):
        registry.measure(FAMILY, "standard", ["time"], seed=0, heads=4, kv_heads=3)
