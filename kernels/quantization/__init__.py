"""Quantization of a linear layer's weights."""

from evidentia.kernels.registry import Family, Kernel, Law, Metric, Paper, Parameter, register, register_family

register_family(
    Family(
        name="quantization",
        purpose="quantization of the weights of a linear layer to a few bits, and the error it costs",
        measure="evidentia.kernels.quantization.measurement:measure",
        metrics=(
            Metric(
                "output_error",
                "norm of the error of the layer's output, over the norm of the exact output",
                unit="%",
                direction="lower",
                effect="ratio",
                smallest_effect=1.1,
                aliases=("error", "output error", "accuracy", "hurt", "quality"),
                limit=10.0,
                limit_source="the error reaches 1 % of the signal's energy, a signal-to-noise ratio of 20 dB",
            ),
            Metric(
                "weight_error",
                "norm of the error of the weights, over the norm of the weights",
                unit="%",
                direction="lower",
                effect="ratio",
                smallest_effect=1.1,
                aliases=("weight error",),
            ),
            Metric(
                "bits_per_weight",
                "storage per weight, scales and zero points included",
                unit="bits",
                direction="lower",
                effect="difference",
                smallest_effect=0.1,
                aliases=("storage", "model size", "compression", "bits per weight"),
            ),
            Metric(
                "max_error",
                "largest absolute error of a weight",
                unit="1",
                direction="lower",
                effect="ratio",
                smallest_effect=1.1,
                aliases=("largest error", "worst error"),
            ),
        ),
        parameters=(
            Parameter(
                "bits",
                "bits of a code",
                "int",
                default=4,
                low=2,
                high=8,
                unit="bits",
                levels=(2, 3, 4, 6, 8),
                aliases=("bits", "bit width", "bit"),
            ),
            Parameter(
                "weights",
                "distribution of the weights",
                "choice",
                default="gaussian",
                choices=("gaussian", "student-t", "outlier-channels"),
                aliases=("weight distribution", "outliers", "heavy tails"),
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
                "in_features",
                "inputs of the layer",
                "int",
                default=512,
                low=1,
                high=16_384,
                unit="1",
                scale="log",
                levels=(256, 512, 1024),
                aliases=("layer width", "input features"),
            ),
            Parameter(
                "out_features", "outputs of the layer", "int", default=256, low=1, high=16_384, unit="1", scale="log"
            ),
        ),
    )
)

_SURVEY = "A Survey of Quantization Methods for Efficient Neural Network Inference"
_NOISE = "Bennett 1948, Spectra of quantized signals: error energy goes with the square of the step"
_LAW = Law("output_error", "bits", "exponential", -1.0, "equal", _NOISE)

register(
    Kernel(
        "quantization",
        "rtn-tensor",
        "Rounds every weight to the nearest of the codes, with one scale for the whole matrix.",
        "evidentia.kernels.quantization.round_to_nearest:per_tensor",
        Paper(_SURVEY, "section III-E"),
        tags=("round-to-nearest", "rtn", "per tensor", "per-tensor"),
        laws=(_LAW,),
    ),
    Kernel(
        "quantization",
        "rtn-channel",
        "Rounds every weight to the nearest of the codes, with one scale per output channel.",
        "evidentia.kernels.quantization.round_to_nearest:per_channel",
        Paper(_SURVEY, "section III-E"),
        tags=("round-to-nearest", "rtn", "per channel", "per-channel"),
        baseline="rtn-tensor",
        laws=(_LAW,),
    ),
    Kernel(
        "quantization",
        "rtn-group",
        "Rounds every weight to the nearest of the codes, with one scale per group of neighbouring inputs.",
        "evidentia.kernels.quantization.round_to_nearest:per_group",
        Paper(_SURVEY, "section III-E"),
        tags=("round-to-nearest", "rtn", "group", "group-wise", "group size", "per group"),
        baseline="rtn-tensor",
        parameters=(
            Parameter(
                "group_size",
                "neighbouring inputs that share a scale",
                "int",
                default=128,
                low=1,
                high=16_384,
                unit="1",
                scale="log",
                levels=(32, 64, 128, 256),
                aliases=("group size", "groups", "group"),
            ),
        ),
        laws=(_LAW,),
    ),
)
