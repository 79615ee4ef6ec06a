"""Attention: SDPA's signature and ``(batch, heads, length, dim)`` layout."""

from evidentia.kernels.registry import Family, Kernel, Law, Metric, Paper, Parameter, register, register_family

register_family(
    Family(
        name="attention",
        purpose="attention of queries over keys and values in a transformer, its accuracy, memory and time",
        measure="evidentia.kernels.attention.measurement:measure",
        metrics=(
            Metric(
                "relative_error",
                "root-mean-square error against float64, over the root-mean-square output",
                unit="fraction",
                direction="lower",
                effect="ratio",
                smallest_effect=2.0,
                aliases=("accuracy", "accurate", "error", "numerical error", "precision", "exact"),
            ),
            Metric(
                "max_error",
                "largest absolute error against float64",
                unit="1",
                direction="lower",
                effect="ratio",
                smallest_effect=2.0,
                aliases=("largest error", "worst error", "maximum error"),
            ),
            Metric(
                "extra_memory",
                "peak temporary memory beyond inputs and output, tensors alive between operations",
                unit="bytes",
                direction="lower",
                effect="ratio",
                smallest_effect=1.1,
                aliases=("memory", "memory use", "footprint", "workspace"),
            ),
            Metric(
                "time",
                "wall time of one call on one thread",
                unit="ms",
                direction="lower",
                effect="ratio",
                smallest_effect=1.1,
                timed=True,
                aliases=("time", "fast", "faster", "speed", "slow", "slower", "latency"),
            ),
        ),
        parameters=(
            Parameter(
                "length",
                "queries and keys in the sequence",
                "int",
                default=512,
                low=1,
                high=65_536,
                unit="tokens",
                scale="log",
                levels=(128, 256, 512, 1024, 2048),
                aliases=("sequence length", "context", "context length", "tokens", "length"),
            ),
            Parameter(
                "logit_scale",
                "factor on the queries: the spread of the logits",
                "float",
                default=1.0,
                low=0.0,
                high=100.0,
                unit="1",
                scale="log",
                levels=(0.5, 1.0, 2.0, 4.0, 8.0),
                aliases=("logits", "temperature", "outliers"),
            ),
            Parameter(
                "causal",
                "whether a query sees only earlier keys",
                "bool",
                default=False,
                levels=(False, True),
                aliases=("causal", "autoregressive"),
            ),
            Parameter(
                "dtype",
                "number format of inputs and output",
                "choice",
                default="float32",
                choices=("float32", "bfloat16", "float16"),
                aliases=("precision format", "bfloat16", "half precision", "float16", "dtype"),
            ),
            Parameter(
                "head_dim",
                "width of a head",
                "int",
                default=64,
                low=1,
                high=512,
                unit="1",
                levels=(32, 64, 128),
                aliases=("head dimension",),
            ),
            Parameter(
                "heads", "attention heads", "int", default=2, low=1, high=256, unit="1", levels=(1, 2, 4), aliases=()
            ),
            Parameter("batch", "sequences", "int", default=1, low=1, high=256, unit="1"),
        ),
    )
)

_FLASH = Paper(
    "FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness", "algorithm 1", "2205.14135"
)

register(
    Kernel(
        "attention",
        "standard",
        "Writes out the whole score matrix, its softmax, then the product.",
        "evidentia.kernels.attention.standard:attention",
        Paper(_FLASH.title, "algorithm 0", _FLASH.arxiv),
        tags=("standard", "standard attention", "naive", "materialised"),
        laws=(Law("extra_memory", "length", "power", 2.0, "at_least", "FlashAttention, section 2.2: Θ(N²) memory"),),
    ),
    Kernel(
        "attention",
        "tiled",
        "Passes over blocks of keys with an online softmax, so that the score matrix never exists.",
        "evidentia.kernels.attention.tiled:attention",
        _FLASH,
        tags=("tiled", "tiled attention", "online softmax", "flash", "flashattention", "memory-efficient"),
        baseline="standard",
        parameters=(
            Parameter(
                "block_size",
                "queries and keys per block",
                "int",
                default=128,
                low=1,
                high=8192,
                unit="tokens",
                scale="log",
                levels=(32, 64, 128, 256, 512),
                aliases=("block size", "tile size", "tile"),
            ),
        ),
        laws=(Law("extra_memory", "length", "power", 1.0, "at_most", "FlashAttention, theorem 1: O(N) memory"),),
    ),
)
