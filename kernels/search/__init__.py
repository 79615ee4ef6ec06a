"""Searching a sorted list, in plain Python."""

from evidentia.kernels.registry import Family, Kernel, Metric, Paper, Parameter, register, register_family

register_family(
    Family(
        name="search",
        purpose="searching a sorted list of integers in plain Python, timed",
        measure="evidentia.kernels.search.measurement:measure",
        metrics=(
            Metric(
                "time_per_lookup",
                "time of one lookup, the calling loop included",
                unit="ns",
                direction="lower",
                effect="ratio",
                smallest_effect=1.1,
                leans=True,
                timed=True,
                aliases=("time", "fast", "faster", "speed", "latency"),
            ),
        ),
        parameters=(
            Parameter(
                "n",
                "elements of the list",
                "int",
                default=64,
                low=1,
                high=1_000_000,
                unit="elements",
                scale="log",
                levels=(2, 8, 32, 256, 1024),
                aliases=("n", "size", "length", "elements", "list size"),
            ),
            Parameter(
                "hit_fraction",
                "share of the lookups that find their number",
                "float",
                default=1.0,
                low=0.0,
                high=1.0,
                unit="fraction",
                levels=(0.0, 0.5, 1.0),
                aliases=("hits", "found"),
            ),
        ),
    )
)

_KNUTH = Paper("The Art of Computer Programming, volume 3: Sorting and Searching", "sections 6.1 and 6.2.1")

register(
    Kernel(
        "search",
        "linear-scan",
        "Looks at one element after the other.",
        "evidentia.kernels.search.linear_scan:find",
        _KNUTH,
        tags=("linear scan", "linear search", "sequential search"),
    ),
    Kernel(
        "search",
        "binary-search",
        "Halves the range until one element is left.",
        "evidentia.kernels.search.binary_search:find",
        _KNUTH,
        tags=("binary search", "bisection", "bisect"),
        baseline="linear-scan",
    ),
)
