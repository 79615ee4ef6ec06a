"""Attention as a CUDA device runs it: rate and reading of whole kernels, where the other families count or compute."""

from evidentia.kernels.attention import papers
from evidentia.kernels.attention.conditions import CAUSAL
from evidentia.kernels.registry import Family, Kernel, Metric, Paper, Parameter, register, register_family

_PREFILL = {"phase": ("prefill",)}

register_family(
    Family(
        name="attention-gpu",
        within="attention",
        purpose="whole attention kernels on a CUDA device: rate of computing and of reading, time",
        measure="evidentia.kernels.attention.gpu.measurement:measure",
        metrics=(
            Metric(
                "time",
                "time of one call on the device, operands in its memory",
                unit="ms",
                direction="lower",
                effect="ratio",
                smallest_effect=1.05,
                timed=True,
            ),
            Metric(
                "tflops",
                "operations of the two products per second, a half of them under a causal mask",
                unit="TFLOP/s",
                direction="higher",
                effect="ratio",
                smallest_effect=1.05,
                timed=True,
            ),
            Metric(
                "share_of_peak",
                "operations per second over those of a product of two 8192 x 8192 matrices in the same number format",
                unit="%",
                direction="higher",
                effect="difference",
                smallest_effect=2.0,
                timed=True,
            ),
            Metric(
                "share_of_copy",
                "bytes of keys and values per second over what a copy of 1 GiB reads and writes",
                unit="%",
                direction="higher",
                effect="difference",
                smallest_effect=2.0,
                timed=True,
            ),
        ),
        parameters=(
            Parameter(
                "phase",
                "all queries of a sequence, or one on the keys of the past",
                "choice",
                default="prefill",
                choices=("prefill", "decode"),
            ),
            Parameter(
                "length",
                "queries and keys of a sequence",
                "int",
                default=2048,
                low=16,
                high=65_536,
                unit="tokens",
                scale="log",
                levels=(512, 1024, 2048, 4096),
                when=_PREFILL,
            ),
            Parameter(
                "causal",
                CAUSAL.purpose,
                "bool",
                default=False,
                levels=(False, True),
                when=_PREFILL,
            ),
            Parameter(
                "context",
                "keys of the past",
                "int",
                default=16_384,
                low=16,
                high=1_048_576,
                unit="tokens",
                scale="log",
                levels=(4096, 16_384, 65_536),
                when={"phase": ("decode",)},
            ),
            Parameter(
                "batch", "sequences", "int", default=8, low=1, high=1024, unit="1", scale="log", levels=(1, 8, 32)
            ),
            Parameter("heads", "attention heads", "int", default=16, low=1, high=256, unit="1"),
            Parameter(
                "kv_heads", "key/value heads, which the heads share", "int", default=16, low=1, high=256, unit="1"
            ),
            Parameter("head_dim", "width of a head", "int", default=128, low=16, high=256, unit="1", levels=(64, 128)),
            Parameter(
                "dtype",
                "number format of inputs and output",
                "choice",
                default="bfloat16",
                choices=("bfloat16", "float16"),
            ),
        ),
    )
)

_SDPA = "evidentia.kernels.attention.gpu.backends"
_LEAN = Paper(
    "LeanAttention: Hardware-Aware Scalable Attention Mechanism for the Decode-Phase of Transformers",
    "the softmax rescaling as a reduction",
    "2405.10480",
)


def _kernel(name: str, purpose: str, implementation: str, paper: Paper, baseline: str = "standard") -> Kernel:
    return Kernel(
        "attention-gpu", name, purpose, implementation, paper, tags=(name,), baseline=baseline, needs_gpu=True
    )


register(
    _kernel(
        "standard",
        "Writes out the whole score matrix, its softmax, then the product, an operation of torch each.",
        "evidentia.kernels.attention.standard:attention",
        papers.flash("algorithm 0"),
        baseline="",
    ),
    _kernel(
        "triton-flash",
        "FlashAttention's forward pass as this library's Triton kernel, a program for each block of queries.",
        "evidentia.kernels.attention.triton.dispatch:flash",
        papers.flash2("section 3"),
    ),
    _kernel(
        "triton-split-kv",
        "Split-KV decoding as this library's Triton kernel, as many splits as fill the device.",
        "evidentia.kernels.attention.triton.dispatch:decode",
        _LEAN,
        baseline="triton-flash",
    ),
    _kernel("sdpa-flash", "FlashAttention-2 as torch ships it.", f"{_SDPA}:flash", papers.flash2("")),
    _kernel("sdpa-cudnn", "cuDNN's fused attention, as torch calls it.", f"{_SDPA}:cudnn", Paper("NVIDIA cuDNN")),
    _kernel(
        "sdpa-efficient",
        "Memory-efficient attention as torch ships it.",
        f"{_SDPA}:efficient",
        Paper("Self-attention Does Not Need O(n²) Memory", arxiv="2112.05682"),
    ),
    _kernel(
        "sdpa-math",
        "torch's own reference: products and softmax written out, half precision computed in single.",
        f"{_SDPA}:math",
        papers.flash("algorithm 0"),
    ),
)
