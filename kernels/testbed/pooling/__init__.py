"""The multi-head test-bed model turned into grouped-query or multi-query attention, and trained on for a while."""

from pathlib import Path

from evidentia.kernels.registry import Family, Kernel, Law, Metric, Paper, Parameter, register, register_family
from evidentia.kernels.testbed.conditions import CONTEXT, TOKENS

_FAMILY = Family(
    name="testbed-pooling",
    within="testbed",
    purpose="uptraining of a trained multi-head language model, the test bed's, to grouped-query or multi-query "
    "attention by pooling its key-value heads; training on takes some seconds at first use",
    measure="evidentia.kernels.testbed.pooling.measurement:measure",
    metrics=(
        Metric(
            "loss_in_bits",
            "bits per byte of held-out files above those of the multi-head model as it is shipped, on the same bytes",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.02,
            aliases=("loss in bits", "quality", "loss", "accuracy", "degradation", "quality loss"),
        ),
        Metric(
            "bits_per_byte",
            "bits the model takes for a byte of held-out files after uptraining",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.02,
            aliases=("bits per byte", "perplexity", "bpb"),
        ),
        Metric(
            "cache_bytes_per_token",
            "bytes that one more token adds to a full cache of keys and values, at 2 bytes a number",
            unit="bytes/token",
            direction="lower",
            effect="ratio",
            smallest_effect=1.1,
            aliases=("cache", "KV cache", "cache size", "memory", "cache bytes"),
        ),
        Metric(
            "bytes_read_per_token",
            "bytes read to generate a token at batch 1: weights and a full context's cache, 2 bytes a number",
            unit="bytes/token",
            direction="lower",
            effect="ratio",
            smallest_effect=1.02,
            aliases=("bytes read", "traffic", "bandwidth", "bytes per token"),
        ),
    ),
    parameters=(
        Parameter(
            "kv_heads",
            "key-value heads left of the model's eight: 1 is multi-query attention",
            "int",
            default=2,
            low=1,
            high=8,
            unit="1",
            scale="log",
            levels=(1, 2, 4),
            aliases=("kv heads", "key-value heads", "groups", "number of groups"),
        ),
        Parameter(
            "steps",
            "steps of training after pooling, each on one sequence of 512 bytes; 526 are 5 % of the model's own tokens",
            "int",
            default=8,
            low=0,
            high=10_000,
            unit="1",
            levels=(0, 8, 16, 32),
            aliases=("steps", "uptraining steps", "training steps", "amount of uptraining"),
        ),
        Parameter(
            "learning_rate",
            "learning rate of training after pooling, which decays in the last quarter; the model's own was 3e-3",
            "float",
            default=1e-3,
            low=1e-6,
            high=1e-1,
            unit="1",
            scale="log",
            levels=(3e-4, 1e-3, 3e-3),
            aliases=("learning rate",),
        ),
        Parameter(
            "training_seed",
            "which training text and which new heads are drawn; the seed of a measurement draws the scored text alone",
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

_GQA = Paper(
    "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints", "section 2.1", "2305.13245"
)
_CACHE = (Law("cache_bytes_per_token", "kv_heads", "power", 1.0, "equal", "a key and a value for each key-value head"),)

_CARDS = (
    Kernel(
        "testbed-pooling",
        "multi-head",
        "Keeps all key-value heads of the trained model, with the same further training.",
        "evidentia.kernels.testbed.pooling.heads:multi_head",
        Paper("Attention Is All You Need", "section 3.2.2", "1706.03762"),
        tags=("unpooled", "mha", "multi-head"),
    ),
    Kernel(
        "testbed-pooling",
        "mean-pooling",
        "Averages the trained key-value heads of each group, then trains on.",
        "evidentia.kernels.testbed.pooling.heads:mean_pooling",
        _GQA,
        tags=("averaging heads", "mean-pooled", "uptraining", "mean pooling"),
        baseline="multi-head",
        laws=_CACHE,
        claim="after uptraining with 5 % of the training's compute, grouped-query attention by mean pooling is close "
        "to multi-head attention in quality; mean pooling does better than a single head, and that than new heads",
    ),
    Kernel(
        "testbed-pooling",
        "first-head",
        "Lets the first trained head of each group stand for all of them, then trains on.",
        "evidentia.kernels.testbed.pooling.heads:first_head",
        _GQA,
        tags=("single head", "first head"),
        baseline="multi-head",
        laws=_CACHE,
    ),
    Kernel(
        "testbed-pooling",
        "random-heads",
        "Draws key-value heads anew, as if nothing had been learned, then trains on.",
        "evidentia.kernels.testbed.pooling.heads:random_heads",
        _GQA,
        tags=("random initialization", "random initialisation", "random heads"),
        baseline="multi-head",
        laws=_CACHE,
    ),
)

if (Path(__file__).parents[1] / "checkpoints" / "mha.safetensors").exists():
    register_family(_FAMILY)
    register(*_CARDS)
