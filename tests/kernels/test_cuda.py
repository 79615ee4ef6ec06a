"""Timing on a device: what can be checked without one, and on one the order of what is known."""

from __future__ import annotations

import time

import pytest
import torch

from evidentia.kernels import cuda

needs_device = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_device_the_kernel_is_named() -> None:
    with pytest.raises(ValueError, match="flash needs a CUDA device, and there is none here"):
        cuda.require("flash")


def test_elsewhere_one_core_is_timed() -> None:
    assert 0.01 <= cuda.seconds(lambda: time.sleep(0.01), "cpu") < 0.1


def test_rates_are_work_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "MATRIX", 16)
    monkeypatch.setattr(cuda, "COPIED", 1000)
    monkeypatch.setattr(cuda, "seconds", lambda run, device: (run(), 0.5)[1])
    assert cuda.matmul_rate(torch.float32, "cpu") == 2 * 16**3 / 0.5
    assert cuda.copy_rate("cpu") == 2 * 1000 / 0.5


def test_the_clock_runs_in_seconds() -> None:
    first = cuda.clock(torch.device("cpu"))
    time.sleep(0.01)
    assert 0.01 <= cuda.clock(torch.device("cpu")) - first < 1.0


@needs_device
def test_a_larger_product_takes_longer_and_the_clock_waits_for_it() -> None:
    small, large = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for n in (1024, 4096))
    assert cuda.seconds(lambda: small @ small, "cuda") < cuda.seconds(lambda: large @ large, "cuda")
    first = cuda.clock(torch.device("cuda"))
    for _ in range(20):
        large @ large
    assert cuda.clock(torch.device("cuda")) - first > cuda.seconds(lambda: large @ large, "cuda")


@needs_device
def test_the_rates_are_those_of_a_device() -> None:
    assert 1e12 < cuda.matmul_rate(torch.bfloat16, "cuda") < 1e17
    assert 1e10 < cuda.copy_rate("cuda") < 1e15
