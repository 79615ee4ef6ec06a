"""Matrix-vector products on packed weights as a CUDA device runs them."""

from evidentia.kernels.registry import Family, Kernel, Metric, Paper, Parameter, register, register_family

register_family(
    Family(
        name="quantization-gpu",
        within="quantization",
        purpose="linear layers for one token on a CUDA device, weights packed or not",
        measure="evidentia.kernels.quantization.gpu.measurement:measure",
        metrics=(
            Metric(
                "time",
                "time of one product on the device, weights read from its memory",
                unit="us",
                direction="lower",
                effect="ratio",
                smallest_effect=1.05,
                timed=True,
            ),
            Metric(
                "share_of_copy",
                "bytes of the weights per second over what a copy of 1 GiB reads and writes",
                unit="%",
                direction="higher",
                effect="difference",
                smallest_effect=2.0,
                timed=True,
            ),
            Metric(
                "output_error",
                "norm of the output's error against float64 with the unpacked weights, over the norm of the output",
                unit="%",
                direction="lower",
                effect="difference",
                smallest_effect=0.5,
            ),
            Metric(
                "weight_bytes",
                "bytes of the weights and their scales, which one product reads",
                unit="bytes",
                direction="lower",
                effect="ratio",
                smallest_effect=1.1,
            ),
        ),
        parameters=(
            Parameter(
                "in_features",
                "inputs of the layer",
                "int",
                default=8192,
                low=1,
                high=65_536,
                unit="1",
                scale="log",
                levels=(4096, 8192, 16_384),
            ),
            Parameter(
                "out_features",
                "outputs of the layer",
                "int",
                default=8192,
                low=1,
                high=65_536,
                unit="1",
                scale="log",
                levels=(4096, 8192, 16_384),
            ),
        ),
    )
)

_GROUP_SIZE = Parameter(
    "group_size",
    "neighbouring inputs that share a scale, a power of two",
    "int",
    default=128,
    low=32,
    high=256,
    unit="1",
    scale="log",
    levels=(64, 128, 256),
)
_MODULE = "evidentia.kernels.quantization.gpu.packed"

register(
    Kernel(
        "quantization-gpu",
        "bf16",
        "Multiplies with weights in bfloat16, by torch.",
        f"{_MODULE}:plain",
        Paper("A Survey of Quantization Methods for Efficient Neural Network Inference", "section I", "2103.13630"),
        tags=("bf16",),
        needs_gpu=True,
    ),
    Kernel(
        "quantization-gpu",
        "w8a16",
        "Unpacks weights of eight bits in registers, one scale per group of inputs, in this library's Triton kernel.",
        f"{_MODULE}:int8",
        Paper("LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale", arxiv="2208.07339"),
        tags=("w8a16",),
        baseline="bf16",
        parameters=(_GROUP_SIZE,),
        needs_gpu=True,
    ),
    Kernel(
        "quantization-gpu",
        "w4a16",
        "Unpacks weights of four bits in registers, one scale per group of inputs, in this library's Triton kernel.",
        f"{_MODULE}:int4",
        Paper(
            "AWQ: Activation-aware Weight Quantization for LLM Compression and Acceleration", "section 4", "2306.00978"
        ),
        tags=("w4a16",),
        baseline="bf16",
        parameters=(_GROUP_SIZE,),
        claim="More than 3x over FP16 of the Hugging Face implementation on desktop and mobile GPUs.",
        needs_gpu=True,
    ),
)
