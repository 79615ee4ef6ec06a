"""What fine-tuning adds to the test-bed model, stored in few bits."""

from pathlib import Path

from evidentia.kernels.registry import Family, Kernel, Metric, Paper, Parameter, register, register_family
from evidentia.kernels.testbed.conditions import CONTEXT, TOKENS

_FAMILY = Family(
    name="testbed-deltas",
    within="testbed",
    purpose="compression of what a short fine-tuning on character tables adds to a whole small language model, the "
    "test bed's; fine-tuning takes some seconds at first use",
    measure="evidentia.kernels.testbed.deltas.measurement:measure",
    metrics=(
        Metric(
            "loss_in_bits",
            "bits per byte of held-out tables above those of the fine-tuned model on the same bytes",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.01,
            aliases=("loss in bits", "quality", "loss", "accuracy", "degradation"),
        ),
        Metric(
            "gain_in_bits",
            "bits per byte of held-out tables below those of the model before fine-tuning, on the same bytes",
            unit="bits",
            direction="higher",
            effect="difference",
            smallest_effect=0.01,
            aliases=("gain in bits", "gain", "gain of fine-tuning"),
        ),
        Metric(
            "bits_per_byte",
            "bits the model with the stored delta takes for a byte of held-out tables",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.01,
            aliases=("bits per byte", "perplexity", "bpb"),
        ),
        Metric(
            "delta_bytes",
            "bytes that the stored delta takes, scales included",
            unit="bytes",
            direction="lower",
            effect="ratio",
            smallest_effect=1.1,
            aliases=("delta bytes", "delta memory", "memory", "storage"),
        ),
    ),
    parameters=(
        Parameter(
            "steps",
            "steps of fine-tuning, each on two sequences of 256 bytes",
            "int",
            default=8,
            low=1,
            high=1000,
            unit="1",
            scale="log",
            levels=(4, 8, 16, 32),
            aliases=("steps", "fine-tuning steps", "amount of fine-tuning"),
        ),
        Parameter(
            "learning_rate",
            "constant learning rate of Adam in fine-tuning",
            "float",
            default=3e-4,
            low=1e-6,
            high=1e-2,
            unit="1",
            scale="log",
            levels=(1e-4, 3e-4, 1e-3),
            aliases=("learning rate",),
        ),
        CONTEXT,
        TOKENS,
    ),
)

_PAPER = Paper("BitDelta: Your Fine-Tune May Only Be Worth One Bit", "section 3.1", "2402.10193")

_CARDS = (
    Kernel(
        "testbed-deltas",
        "float16-delta",
        "Keeps the delta of every layer in float16.",
        "evidentia.kernels.quantization.delta.compression:half",
        Paper(_PAPER.title, "section 1", _PAPER.arxiv),
        tags=("uncompressed delta", "float16 delta"),
    ),
    Kernel(
        "testbed-deltas",
        "bitdelta",
        "Keeps the signs of every layer's delta and one scale, without the distillation of scales that the paper adds.",
        "evidentia.kernels.quantization.delta.compression:bitdelta",
        _PAPER,
        tags=("one-bit delta", "1-bit", "signs", "bitdelta"),
        baseline="float16-delta",
        claim="a fine-tune's delta in one bit per weight, more than 10x less memory, at little loss",
    ),
    Kernel(
        "testbed-deltas",
        "low-rank-delta",
        "Keeps the best approximation of a given rank of every layer's delta.",
        "evidentia.kernels.quantization.delta.compression:low_rank",
        Paper(_PAPER.title, "section 4.2", _PAPER.arxiv),
        tags=("low-rank", "low rank", "svd", "low-rank delta"),
        baseline="float16-delta",
        parameters=(
            Parameter(
                "rank",
                "rank that is kept; at 16 the delta takes about a bit per weight",
                "int",
                default=16,
                low=1,
                high=1024,
                unit="1",
                scale="log",
                levels=(2, 4, 8, 16, 32),
                aliases=("rank",),
            ),
        ),
    ),
)

if (Path(__file__).parents[1] / "checkpoints" / "main.safetensors").exists():
    register_family(_FAMILY)
    register(*_CARDS)
