"""The test-bed model with all linear layers of its blocks quantized; embedding, gains and head stay in 16 bits."""

from pathlib import Path

from evidentia.kernels.registry import Family, Kernel, Metric, Paper, Parameter, register, register_family
from evidentia.kernels.testbed.conditions import CONTEXT, TOKENS

_FAMILY = Family(
    name="testbed-weights",
    within="testbed",
    purpose="weight quantization of a whole small language model, the test bed's, and what it costs on held-out files; "
    "all linear layers of the blocks are quantized, embedding and head are not",
    measure="evidentia.kernels.testbed.weights.measurement:measure",
    metrics=(
        Metric(
            "loss_in_bits",
            "bits per byte of held-out files above those of the unquantized model on the same bytes",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.002,
            aliases=("loss in bits", "quality", "loss", "accuracy", "degradation", "quality loss"),
        ),
        Metric(
            "bits_per_byte",
            "bits the quantized model takes for a byte of held-out files",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.002,
            aliases=("bits per byte", "perplexity", "bpb"),
        ),
        Metric(
            "model_bytes",
            "bytes of the whole model: codes, scales and zero points, and two bytes for every other number",
            unit="bytes",
            direction="lower",
            effect="ratio",
            smallest_effect=1.02,
            aliases=("model size", "model bytes", "memory", "storage"),
        ),
    ),
    parameters=(
        Parameter(
            "bits",
            "bits of a weight's code",
            "int",
            default=3,
            low=2,
            high=8,
            unit="bits",
            levels=(2, 3, 4, 8),
            aliases=("bits", "bit width", "bit", "weight bits"),
        ),
        Parameter(
            "group_size",
            "neighbouring inputs that share a scale",
            "int",
            default=64,
            low=1,
            high=1024,
            unit="1",
            scale="log",
            levels=(32, 64, 128),
            aliases=("group size", "groups"),
        ),
        Parameter(
            "calibration_bytes",
            "bytes of training text that the layers are calibrated on, in sequences of 512",
            "int",
            default=4096,
            low=64,
            high=1_000_000,
            unit="bytes",
            scale="log",
            levels=(1024, 4096, 16_384),
            aliases=("calibration", "calibration bytes", "calibration text", "calibration size"),
        ),
        Parameter(
            "scheme",
            "whether codes are centred on zero or span the range of the weights",
            "choice",
            default="symmetric",
            choices=("symmetric", "asymmetric"),
            aliases=("symmetric", "asymmetric", "zero point"),
        ),
        Parameter(
            "calibration_seed",
            "which calibration text is drawn; the seed of a measurement draws the scored text alone",
            "int",
            default=0,
            low=0,
            high=1_000_000,
            unit="1",
        ),
        CONTEXT,
        TOKENS,
    ),
)

_GPTQ = Paper(
    "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers",
    "section 4",
    "2210.17323",
)

_CARDS = (
    Kernel(
        "testbed-weights",
        "float",
        "Leaves all weights in 16 bits.",
        "evidentia.kernels.testbed.weights.rtn:unquantized",
        Paper(_GPTQ.title, "section 5", _GPTQ.arxiv),
        tags=("unquantized", "full precision", "float"),
    ),
    Kernel(
        "testbed-weights",
        "rtn",
        "Rounds every weight of the model to the nearest code of its group.",
        "evidentia.kernels.testbed.weights.rtn:rtn",
        Paper("A Survey of Quantization Methods for Efficient Neural Network Inference", "section III-E"),
        tags=("round-to-nearest", "rtn"),
        baseline="float",
    ),
    Kernel(
        "testbed-weights",
        "gptq",
        "Quantizes layer after layer on what the quantized layers before it send; some seconds at first use.",
        "evidentia.kernels.testbed.weights.gptq:gptq",
        _GPTQ,
        tags=("second-order rounding", "gptq"),
        baseline="rtn",
        claim="3 to 4 bits per weight at negligible loss of perplexity, where round-to-nearest loses more",
        parameters=(
            Parameter(
                "act_order",
                "whether the most active inputs are rounded first",
                "bool",
                default=False,
                levels=(False, True),
                aliases=("act-order", "activation order"),
            ),
        ),
    ),
    Kernel(
        "testbed-weights",
        "awq",
        "Scales channels by how active they are, folds the scales into what comes before; some seconds at first use.",
        "evidentia.kernels.testbed.weights.awq:awq",
        Paper(
            "AWQ: Activation-aware Weight Quantization for LLM Compression and Acceleration", "section 3", "2306.00978"
        ),
        tags=("activation-aware", "channel scaling", "awq"),
        baseline="rtn",
        claim="protecting the salient 1 % of channels, found by their activations, greatly lowers the loss of rounding",
        parameters=(
            Parameter(
                "clip",
                "whether ranges are clipped too",
                "bool",
                default=True,
                levels=(False, True),
                aliases=("clipping", "weight clipping"),
            ),
        ),
    ),
)

if (Path(__file__).parents[1] / "checkpoints" / "main.safetensors").exists():
    register_family(_FAMILY)
    register(*_CARDS)
