"""The test-bed model with weights and activations of all linear layers of its blocks rounded (W8A8)."""

from pathlib import Path

from evidentia.kernels.registry import Family, Kernel, Metric, Paper, Parameter, register, register_family
from evidentia.kernels.testbed.conditions import CONTEXT, TOKENS

_FAMILY = Family(
    name="testbed-activations",
    within="testbed",
    purpose="quantization of weights and activations (W8A8) of a whole small language model, the test bed's, with and "
    "without injected outliers, and what it costs on held-out files",
    measure="evidentia.kernels.testbed.activations.measurement:measure",
    metrics=(
        Metric(
            "loss_in_bits",
            "bits per byte of held-out files above those of the unrounded model on the same bytes",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.002,
            aliases=("loss in bits", "quality", "loss", "accuracy", "degradation", "lossless", "quality loss"),
        ),
        Metric(
            "bits_per_byte",
            "bits the rounded model takes for a byte of held-out files",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.002,
            aliases=("bits per byte", "perplexity", "bpb"),
        ),
    ),
    parameters=(
        Parameter(
            "injected_outliers",
            "injected: by what factor some channels of all that linear layers read are scaled up, and the weights that "
            "read them down, which leaves the model's function as it is; 1 for none",
            "float",
            default=1.0,
            low=1.0,
            high=1024.0,
            unit="1",
            scale="log",
            levels=(1.0, 8.0, 32.0, 128.0),
            aliases=("injected outliers", "outliers", "activation outliers", "outlier factor"),
        ),
        Parameter(
            "activation_bits",
            "bits of an activation's code",
            "int",
            default=8,
            low=2,
            high=16,
            unit="bits",
            levels=(4, 6, 8),
            aliases=("activation bits",),
        ),
        Parameter("weight_bits", "bits of a weight's code", "int", default=8, low=2, high=16, unit="bits"),
        Parameter(
            "per_token",
            "whether every token has a scale of its own, not one for all that are read at once",
            "bool",
            default=True,
            levels=(False, True),
            aliases=("per token", "per-token"),
        ),
        Parameter(
            "injected_channels",
            "injected: how many channels of each layer's inputs become outliers",
            "int",
            default=4,
            low=0,
            high=64,
            unit="1",
            levels=(1, 4, 16),
            aliases=("outlier channels",),
        ),
        Parameter(
            "calibration_bytes",
            "bytes of training text on which the largest activations are looked up, in sequences of 512",
            "int",
            default=2048,
            low=64,
            high=1_000_000,
            unit="bytes",
            scale="log",
            levels=(512, 2048, 8192),
            aliases=("calibration", "calibration text"),
        ),
        CONTEXT,
        TOKENS,
    ),
)

_SMOOTH = "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models"

_CARDS = (
    Kernel(
        "testbed-activations",
        "float",
        "Rounds nothing.",
        "evidentia.kernels.testbed.activations.layers:unrounded",
        Paper(_SMOOTH, "section 5", "2211.10438"),
        tags=("unquantized", "full precision", "float"),
    ),
    Kernel(
        "testbed-activations",
        "w8a8",
        "Rounds weights and activations of the model with the scales they have.",
        "evidentia.kernels.testbed.activations.layers:w8a8",
        Paper(_SMOOTH, "section 3", "2211.10438"),
        tags=("naive", "naive w8a8", "w8a8"),
        baseline="float",
    ),
    Kernel(
        "testbed-activations",
        "smoothquant",
        "Moves the size of large channels into the weights first; what was injected it undoes by its very rule.",
        "evidentia.kernels.testbed.activations.layers:smoothquant",
        Paper(_SMOOTH, "equation 4", "2211.10438"),
        tags=("smoothing", "migration", "smoothquant"),
        baseline="w8a8",
        claim="W8A8 at the quality of FP16 where plain W8A8 loses much",
        parameters=(
            Parameter(
                "migration",
                "how much of the large channels' size moves into the weights",
                "float",
                default=0.5,
                low=0.0,
                high=1.0,
                unit="1",
                levels=(0.0, 0.25, 0.5, 0.75, 1.0),
                aliases=("migration strength", "alpha"),
            ),
        ),
    ),
    Kernel(
        "testbed-activations",
        "hadamard",
        "Rotates what layers read by random signs and a Hadamard matrix first, which spreads outliers over channels.",
        "evidentia.kernels.testbed.activations.layers:hadamard",
        Paper("QuaRot: Outlier-Free 4-Bit Inference in Rotated LLMs", "section 4", "2404.00456"),
        tags=("rotation", "rotated", "incoherent", "hadamard"),
        baseline="w8a8",
        parameters=(
            Parameter(
                "block",
                "channels rotated together, a power of two; 0 for all",
                "int",
                default=0,
                low=0,
                high=1024,
                unit="1",
                levels=(0, 16, 64, 128),
                aliases=("rotation block", "block-diagonal"),
            ),
        ),
    ),
)

if (Path(__file__).parents[1] / "checkpoints" / "main.safetensors").exists():
    register_family(_FAMILY)
    register(*_CARDS)
