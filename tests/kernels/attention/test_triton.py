"""The Triton kernels in Triton's interpreter against SDPA in float64, and what the dispatch does without a device."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from evidentia.kernels.attention import split_kv, tiled
from evidentia.kernels.attention.triton.dispatch import available, decode, flash
from tests.kernels.interpreted import errors_of

BOUNDS = {"float32": 5e-6, "float16": 3e-3, "bfloat16": 2.5e-2}
INTERPRETER = Path(__file__).with_name("triton_interpreter.py")
with_triton = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")


def _case(kernel: str, dtype: str, shape: tuple[int, ...], causal: bool, **others: Any) -> dict[str, Any]:
    plain = {"splits": 3, "block": (16, 16), "strided": False, "seed": 0}
    return {"kernel": kernel, "dtype": dtype, "shape": shape, "causal": causal, **plain, **others}


def _cases() -> list[dict[str, Any]]:
    """Shapes are (batch, heads, kv_heads, length, kv_length, dim, value_dim)."""
    cases = []
    for dtype in BOUNDS:
        cases += [
            _case("forward", dtype, (1, 2, 1, 37, 37, 16, 16), True, block=(32, 16)),
            _case("decode", dtype, (1, 4, 2, 1, 61, 24, 24), False, splits=2),
        ]
    cases += [
        _case("forward", "float32", (1, 1, 1, 40, 17, 16, 16), True),
        _case("forward", "float32", (1, 1, 1, 17, 40, 16, 16), True, block=(16, 32)),
        _case("forward", "float32", (2, 3, 1, 19, 19, 8, 20), True, strided=True, block=(32, 16)),
        _case("forward", "float32", (1, 1, 1, 1, 1, 1, 1), False),
        _case("decode", "float32", (1, 2, 2, 1, 5, 16, 16), False, splits=8),
        _case("decode", "float32", (1, 20, 1, 1, 33, 8, 20), False, strided=True, splits=1),
        _case("decode", "float32", (1, 2, 1, 3, 40, 16, 16), True, splits=3),
    ]
    shuffle = random.Random(7)
    for seed in range(6):
        kernel = ("forward", "decode")[seed % 2]
        kv_heads, group, most = shuffle.randint(1, 2), shuffle.randint(1, 2), (36, 2)[seed % 2]
        shape = (1, kv_heads * group, kv_heads, shuffle.randint(1, most), *(shuffle.randint(1, 36) for _ in range(3)))
        causal, splits = shuffle.random() < 0.5, shuffle.randint(1, 3)
        cases.append(_case(kernel, "float32", shape, causal, seed=seed, splits=splits, block=(32, 16)))
    return cases


CASES = _cases()


@pytest.fixture(scope="module")
def errors() -> list[float]:
    return errors_of(INTERPRETER, CASES)


@with_triton
@pytest.mark.parametrize("index", range(len(CASES)))
def test_agrees_with_sdpa_in_the_interpreter(errors: list[float], index: int) -> None:
    case = CASES[index]
    assert errors[index] < BOUNDS[case["dtype"]], case


def test_without_a_device_the_librarys_own_mechanism_runs() -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(1, 4, 9, 8, generator=generator)
    key, value = torch.randn(2, 1, 2, 11, 8, generator=generator)
    mask = torch.rand(9, 11, generator=generator) > 0.2
    assert not available(query, key, value)
    for ours, theirs in ((flash, tiled.attention), (decode, split_kv.attention)):
        assert torch.equal(ours(query, key, value, enable_gqa=True), theirs(query, key, value, enable_gqa=True))
        assert torch.equal(
            ours(query, key, value, attn_mask=mask, scale=0.2, enable_gqa=True),
            theirs(query, key, value, attn_mask=mask, scale=0.2, enable_gqa=True),
        )
        with pytest.raises(ValueError, match="4 heads on 2"):
            ours(query, key, value)


@with_triton
@pytest.mark.parametrize(
    ("name", "capability", "block", "products"),
    [
        ("_forward", 80, 16, "mma.sync"),
        ("_partial", 80, 16, "mma.sync"),
        ("_merge", 80, 16, ""),
        ("_forward", 90, 64, "wgmma"),
        ("_partial", 90, 16, "mma.sync"),
    ],
)
def test_compiles_for_a_device_with_tensor_cores(
    name: str, capability: int, block: int, products: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a device: what the interpreter does not check are types and layouts."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from evidentia.kernels.attention.triton import decode, forward

    kernel = getattr(forward if name == "_forward" else decode, name)
    sizes = dict.fromkeys(("block_queries", "block_rows", "block_keys", "key_columns", "value_columns"), block)
    constants = {**sizes, "causal": True, "most_splits": 4}
    kinds = {"scale": "fp32", "sums_at": "*fp32", "top_at": "*fp32", "total_at": "*fp32"}
    kinds |= dict.fromkeys(("query_at", "key_at", "value_at", "output_at"), "*bf16")
    names = kernel.arg_names
    signature = {n: "constexpr" if n in constants else kinds.get(n, "i32") for n in names}
    source = ASTSource(kernel, signature, {(i,): constants[n] for i, n in enumerate(names) if n in constants})
    ptx = triton.compile(source, target=GPUTarget("cuda", capability, 32)).asm["ptx"]
    assert [kind for kind in ("mma.sync", "wgmma") if kind in ptx] == ([products] if products else [])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@with_triton
@pytest.mark.parametrize("index", range(len(CASES)))
def test_agrees_with_sdpa_on_a_device(index: int) -> None:
    case = CASES[index]
    batch, heads, kv_heads, length, kv_length, dim, value_dim = case["shape"]
    generator = torch.Generator().manual_seed(case["seed"])
    shapes = [(batch, heads, length, dim), (batch, kv_heads, kv_length, dim), (batch, kv_heads, kv_length, value_dim)]
    dtype = getattr(torch, case["dtype"])
    query, key, value = (torch.randn(s, generator=generator).to("cuda", dtype) for s in shapes)
    assert available(query, key, value)
    run = flash if case["kernel"] == "forward" else decode
    found = run(query, key, value, is_causal=case["causal"], enable_gqa=True)
    exact = torch.nn.functional.scaled_dot_product_attention(
        query.double(), key.double(), value.double(), is_causal=case["causal"], enable_gqa=True
    )
    assert (found.double() - exact).abs().max() < BOUNDS[case["dtype"]]
