"""torch's scaled dot-product attention held to one backend: what a kernel of one's own is compared with."""

from __future__ import annotations

from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention


def _attend(
    backend: SDPBackend, query: Tensor, key: Tensor, value: Tensor, is_causal: bool, enable_gqa: bool
) -> Tensor:
    with sdpa_kernel(backend):
        return scaled_dot_product_attention(query, key, value, is_causal=is_causal, enable_gqa=enable_gqa)


def flash(query: Tensor, key: Tensor, value: Tensor, is_causal: bool = False, enable_gqa: bool = False) -> Tensor:
    """FlashAttention as torch ships it: ``(batch, heads, length, dim)``. Raises RuntimeError where it cannot run."""
    return _attend(SDPBackend.FLASH_ATTENTION, query, key, value, is_causal, enable_gqa)


def cudnn(query: Tensor, key: Tensor, value: Tensor, is_causal: bool = False, enable_gqa: bool = False) -> Tensor:
    """cuDNN's fused attention: ``(batch, heads, length, dim)``. Raises RuntimeError where it cannot run."""
    return _attend(SDPBackend.CUDNN_ATTENTION, query, key, value, is_causal, enable_gqa)


def efficient(query: Tensor, key: Tensor, value: Tensor, is_causal: bool = False, enable_gqa: bool = False) -> Tensor:
    """Memory-efficient attention: ``(batch, heads, length, dim)``. Raises RuntimeError where it cannot run, which for
    shared key/value heads is everywhere."""
    return _attend(SDPBackend.EFFICIENT_ATTENTION, query, key, value, is_causal, enable_gqa)


def math(query: Tensor, key: Tensor, value: Tensor, is_causal: bool = False, enable_gqa: bool = False) -> Tensor:
    """The products and the softmax written out, half precision computed in single: ``(batch, heads, length, dim)``."""
    return _attend(SDPBackend.MATH, query, key, value, is_causal, enable_gqa)
