"""The conditions under which attention is measured, shared by its families, and the settings of tiled schedules."""

from evidentia.kernels.registry import Parameter

LENGTH = Parameter(
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
)
LOGIT_SCALE = Parameter(
    "logit_scale",
    "factor on the queries: the spread of the logits",
    "float",
    default=1.0,
    low=0.0,
    high=100.0,
    unit="1",
    scale="log",
    levels=(0.5, 1.0, 2.0, 4.0, 8.0),
    aliases=("logits", "temperature"),
)
OUTLIERS = Parameter(
    "outliers",
    "share of all entries to which a normal number of deviation 10 is added",
    "float",
    default=0.0,
    low=0.0,
    high=1.0,
    unit="fraction",
    levels=(0.0, 0.001, 0.01),
    aliases=("outliers", "outlier"),
)
CAUSAL = Parameter(
    "causal",
    "whether a query sees only earlier keys",
    "bool",
    default=False,
    levels=(False, True),
    aliases=("causal", "autoregressive"),
)
DTYPE = Parameter(
    "dtype",
    "number format of inputs and output",
    "choice",
    default="float32",
    choices=("float32", "bfloat16", "float16"),
    aliases=("precision format", "bfloat16", "half precision", "float16", "dtype"),
)
HEAD_DIM = Parameter(
    "head_dim",
    "width of a head",
    "int",
    default=64,
    low=1,
    high=512,
    unit="1",
    levels=(32, 64, 128),
    aliases=("head dimension",),
)
HEADS = Parameter("heads", "attention heads", "int", default=2, low=1, high=256, unit="1", levels=(1, 2, 4))
BATCH = Parameter("batch", "sequences", "int", default=1, low=1, high=256, unit="1")

BLOCK_SIZE = Parameter(
    "block_size",
    "keys per block",
    "int",
    default=512,
    low=1,
    high=8192,
    unit="tokens",
    scale="log",
    levels=(32, 64, 128, 256, 512),
    aliases=("block size", "tile size", "tile"),
)
BLOCK_ROWS = Parameter(
    "block_rows",
    "queries per block",
    "int",
    default=512,
    low=1,
    high=8192,
    unit="tokens",
    scale="log",
    levels=(32, 64, 128, 256, 512),
    aliases=("block rows", "rows per block"),
)
THRESHOLD = Parameter(
    "threshold",
    "rise of the maximum, in powers of two, above which a row is rescaled",
    "float",
    default=8.0,
    low=0.0,
    high=15.0,
    unit="1",
    levels=(0.0, 1.0, 2.0, 4.0, 8.0),
    aliases=("rescaling threshold", "rescale threshold"),
)
DEGREE = Parameter(
    "degree",
    "degree of the polynomial for powers of two",
    "int",
    default=3,
    low=1,
    high=12,
    unit="1",
    levels=(1, 2, 3, 4, 5),
    aliases=("degree", "polynomial degree"),
)
DENSITY = Parameter(
    "density",
    "share of the blocks that are kept",
    "float",
    default=0.25,
    low=0.001,
    high=1.0,
    unit="fraction",
    scale="log",
    levels=(0.125, 0.25, 0.5, 1.0),
    aliases=("density", "block density", "non-zero blocks"),
)
MASK_BLOCK = Parameter(
    "mask_block",
    "queries and keys per block of the mask",
    "int",
    default=64,
    low=1,
    high=8192,
    unit="tokens",
    scale="log",
    levels=(16, 32, 64),
    aliases=("mask block",),
)
