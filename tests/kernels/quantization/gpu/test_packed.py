"""Packed products: the packing against its definition, the kernel in Triton's interpreter against float64."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evidentia.kernels import cuda, registry
from evidentia.kernels.quantization.gpu import measurement, packed
from tests.kernels.interpreted import errors_of

FAMILY = "quantization-gpu"
METRICS = ("time", "share_of_copy", "output_error", "weight_bytes")
BOUNDS = {"float32": 1e-6, "bfloat16": 4e-3}
INTERPRETER = Path(__file__).with_name("gemv_interpreter.py")
with_triton = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
needs_device = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def _cases() -> list[dict[str, Any]]:
    shuffle = random.Random(3)
    cases: list[dict[str, Any]] = []
    for bits in (4, 8):
        for group_size in (32, 64, 128, 256):
            shape = (shuffle.randint(1, 20), shuffle.randint(1, 700))
            cases.append(
                {"bits": bits, "group_size": group_size, "shape": shape, "dtype": "float32", "seed": len(cases)}
            )
        cases.append({"bits": bits, "group_size": 128, "shape": (8, 1024), "dtype": "bfloat16", "seed": len(cases)})
        cases.append({"bits": bits, "group_size": 32, "shape": (1, 1), "dtype": "float32", "seed": len(cases)})
    return cases


CASES = _cases()


@pytest.fixture(scope="module")
def errors() -> list[float]:
    return errors_of(INTERPRETER, CASES)


@with_triton
@pytest.mark.parametrize("index", range(len(CASES)))
def test_agrees_with_float64_in_the_interpreter(errors: list[float], index: int) -> None:
    assert errors[index] < BOUNDS[CASES[index]["dtype"]], CASES[index]


@with_triton
@pytest.mark.parametrize("bits", [4, 8])
def test_compiles_for_a_device_and_reads_codes_sixteen_bytes_at_a_time(
    bits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For compute capability 9.0, without a device; that operands are aligned is known at a launch."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from evidentia.kernels.quantization.gpu.gemv import _product

    constants = {"bits": bits, "group": 128, "block_outputs": 8, "block_groups": 4}
    kinds = {"codes_at": "*u8" if bits == 4 else "*i8"}
    kinds |= dict.fromkeys(("scales_at", "token_at", "output_at"), "*bf16")
    names = _product.arg_names
    signature = {n: "constexpr" if n in constants else kinds.get(n, "i32") for n in names}
    values = {(i,): constants[n] for i, n in enumerate(names) if n in constants}
    aligned = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(names) if n not in constants}
    source = ASTSource(_product, signature, values, aligned)
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32))
    assert "ld.global.v4.b32" in compiled.asm["ptx"]


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 150)),
    group_size=st.sampled_from([32, 64]),
    bits=st.sampled_from([4, 8]),
    seed=st.integers(0, 999),
)
def test_a_weight_is_kept_to_half_a_step_of_its_group(
    shape: tuple[int, int], group_size: int, bits: int, seed: int
) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    layer = (packed.int4 if bits == 4 else packed.int8)(weight, group_size)
    kept = layer.dequantize()
    assert kept.shape == shape
    steps = layer.scales.double().repeat_interleave(group_size, dim=1)[:, : shape[1]]
    top = 2 ** (bits - 1) - 1
    # A scale is rounded to bfloat16, so that the largest entry of a group may lie beyond the last code.
    allowed = steps * (0.5 + top / 2**8) + 1e-9
    assert ((kept - weight.double()).abs() <= allowed).all()


def test_four_bits_take_half_the_bytes_of_eight() -> None:
    weight = torch.randn(16, 512, generator=torch.Generator().manual_seed(0))
    four, eight, plain = packed.int4(weight, 128), packed.int8(weight, 128), packed.plain(weight)
    scales = 16 * 4 * 2
    assert four.weight_bytes == 16 * 512 // 2 + scales
    assert eight.weight_bytes == 16 * 512 + scales
    assert plain.weight_bytes == 16 * 512 * 2


@pytest.mark.parametrize("group_size", [0, 16, 48, 512])
def test_other_groups_are_refused(group_size: int) -> None:
    with pytest.raises(ValueError, match="group_size must be one of"):
        packed.int4(torch.ones(2, 64), group_size)


def test_metrics_follow_from_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "seconds", lambda run, device: (run(), 1e-4)[1])
    monkeypatch.setattr(cuda, "copy_rate", lambda device: 1e9)
    found = measurement.measured(packed.plain, METRICS, 0, 64, 32, {}, "cpu")
    assert found["weight_bytes"] == 64 * 32 * 2
    assert found["time"] == pytest.approx(100.0)
    assert found["share_of_copy"] == pytest.approx(100 * 64 * 32 * 2 / 1e-4 / 1e9)
    assert 0 < found["output_error"] < 1


@needs_device
@with_triton
@pytest.mark.parametrize("index", range(len(CASES)))
def test_agrees_with_float64_on_a_device(index: int) -> None:
    case = CASES[index]
    generator = torch.Generator().manual_seed(case["seed"])
    outputs, inputs = case["shape"]
    weight = torch.randn(outputs, inputs, generator=generator).cuda()
    token = torch.randn(inputs, generator=generator).cuda().to(getattr(torch, case["dtype"]))
    layer = (packed.int4 if case["bits"] == 4 else packed.int8)(weight, case["group_size"])
    exact = layer.dequantize() @ token.double()
    assert (layer(token).double() - exact).norm() / exact.norm() < BOUNDS[case["dtype"]]


@needs_device
@with_triton
@pytest.mark.parametrize("kernel", [k.name for k in registry.kernels(FAMILY)])
def test_every_kernel_is_measured_on_a_device(kernel: str) -> None:
    found = registry.measure(FAMILY, kernel, METRICS, seed=0, in_features=1024, out_features=1024)
    assert found["time"] > 0
    assert found["output_error"] < 20
