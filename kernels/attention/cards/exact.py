"""Attention that computes the softmax exactly, up to rounding, of all the keys or of the blocks it keeps."""

from evidentia.kernels.attention import papers
from evidentia.kernels.attention.conditions import BLOCK_ROWS, BLOCK_SIZE, DEGREE, DENSITY, MASK_BLOCK, THRESHOLD
from evidentia.kernels.registry import Kernel, Law

_LINEAR = Law("extra_memory", "length", "power", 1.0, "at_most", "FlashAttention, theorem 1: O(N) memory")

CARDS = (
    Kernel(
        "attention",
        "standard",
        "Writes out the whole score matrix, its softmax, then the product.",
        "evidentia.kernels.attention.standard:attention",
        papers.flash("algorithm 0"),
        tags=("standard", "standard attention", "naive", "materialised"),
        laws=(Law("extra_memory", "length", "power", 2.0, "at_least", "FlashAttention, section 2.2: Θ(N²) memory"),),
    ),
    Kernel(
        "attention",
        "tiled",
        "Passes over blocks of keys with an online softmax, so that the score matrix never exists.",
        "evidentia.kernels.attention.tiled:attention",
        papers.flash("algorithm 1"),
        tags=("tiled", "tiled attention", "online softmax", "flash", "flashattention", "memory-efficient"),
        baseline="standard",
        parameters=(BLOCK_SIZE, BLOCK_ROWS),
        laws=(_LINEAR,),
        claim="Exact attention in memory linear in the length; GPT-2 trains three times as fast at 1,024 tokens, "
        "BERT-large 15 % faster at 512.",
        claim_needs_gpu=True,
    ),
    Kernel(
        "attention",
        "fused",
        "Tiled attention that finds maximum, weights and their sum in one compiled pass over each row of a tile.",
        "evidentia.kernels.attention.fused:attention",
        papers.flash("section 3.1"),
        tags=("fused", "fused attention", "fused softmax", "kernel fusion"),
        baseline="tiled",
        parameters=(BLOCK_SIZE, BLOCK_ROWS),
        laws=(_LINEAR,),
        claim="Fusing all steps of attention into one kernel saves reading and writing the intermediate results; part "
        "of a threefold speed-up of GPT-2's training.",
        claim_needs_gpu=True,
    ),
    Kernel(
        "attention",
        "flash-v1",
        "Passes over blocks of keys in the outer loop and normalises the output after every one of them.",
        "evidentia.kernels.attention.flash_v1:attention",
        papers.flash("algorithm 1"),
        tags=("flash v1", "flashattention v1", "flashattention-1", "per-block normalisation", "flash-v1"),
        baseline="tiled",
        parameters=(BLOCK_SIZE, BLOCK_ROWS),
        laws=(_LINEAR,),
        claim="FlashAttention-2, which defers the normalisation, is about twice as fast as this on an A100.",
        claim_needs_gpu=True,
    ),
    Kernel(
        "attention",
        "conditional-rescaling",
        "Rescales the accumulated output only when the running maximum has risen by more than a threshold.",
        "evidentia.kernels.attention.conditional_rescaling:attention",
        papers.flash4("conditional softmax rescaling"),
        tags=("conditional rescaling", "lazy rescaling", "skipped rescaling", "conditional-rescaling"),
        baseline="tiled",
        parameters=(BLOCK_SIZE, BLOCK_ROWS, THRESHOLD),
        laws=(_LINEAR,),
        claim="Part of a kernel of 1613 TFLOP/s, 1.3 times cuDNN's, on a B200; the result stays exact.",
        claim_needs_gpu=True,
    ),
    Kernel(
        "attention",
        "polynomial-exp2",
        "Computes the exponentials by range reduction and a polynomial instead of in the special-function unit.",
        "evidentia.kernels.attention.polynomial_exp2:attention",
        papers.flash4("software emulation of the exponential"),
        tags=("polynomial exp2", "software exponential", "polynomial exponential", "polynomial", "polynomial-exp2"),
        baseline="tiled",
        parameters=(BLOCK_SIZE, BLOCK_ROWS, DEGREE),
        laws=(_LINEAR,),
        claim="Part of a kernel of 1613 TFLOP/s on a B200; at degree 3 the error vanishes in bfloat16's rounding.",
        claim_needs_gpu=True,
    ),
    Kernel(
        "attention",
        "block-sparse",
        "Leaves out whole blocks of the score matrix but local and global ones, and is exact on those it keeps.",
        "evidentia.kernels.attention.block_sparse:attention",
        papers.flash("section 3.3"),
        tags=("block sparse", "block-sparse attention", "block-sparse flashattention", "sparse blocks", "block-sparse"),
        baseline="tiled",
        parameters=(DENSITY, MASK_BLOCK),
        laws=(
            Law("time", "density", "power", 1.0, "at_most", "FlashAttention, section 3.3: cost falls with sparsity"),
        ),
        claim="Cost falls in proportion to the share of blocks that are not zero; 2.4 times standard attention's speed "
        "on Long-Range Arena.",
        claim_needs_gpu=True,
    ),
)
