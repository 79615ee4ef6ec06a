"""Eviction by how often an item was used."""

from evidentia.kernels.registry import Kernel, Meaning, Paper, Parameter

_ZIPF_PAPER = "Web caching and Zipf-like distributions: evidence and implications"

CARDS = (
    Kernel(
        "caching",
        "lfu",
        "LFU in either of its meanings: evicts the item with the smallest count of requests.",
        "evidentia.kernels.caching.lfu:either",
        Paper(_ZIPF_PAPER, "section 4"),
        baseline="lru",
        parameters=(
            Parameter(
                "counts",
                "whether an item's count is kept when it is evicted, or forgotten",
                "choice",
                default="kept",
                choices=("kept", "forgotten"),
            ),
        ),
        general=True,
    ),
    Kernel(
        "caching",
        "lfu-perfect",
        "Evicts the item with the fewest requests so far; counts survive eviction.",
        "evidentia.kernels.caching.lfu:perfect",
        Paper(_ZIPF_PAPER, "section 4"),
        tags=("frequency", "frequency-based", "lfu", "least frequently used", "perfect lfu"),
        baseline="lru",
        claim="A micro-study reports 64.5 % hits against 52.7 % for LRU, at Zipf exponent 1.1 with 10,000 items, "
        "200,000 requests and capacity 100, and 83.76 % against 77.95 % at capacity 1,000 after 20,000 requests "
        "of warm-up.",
        meaning=Meaning("lfu", "counts", "kept"),
    ),
    Kernel(
        "caching",
        "lfu-in-cache",
        "Evicts the item with the fewest requests since it came in; counts are forgotten at eviction.",
        "evidentia.kernels.caching.lfu:in_cache",
        Paper(_ZIPF_PAPER, "section 4"),
        tags=("frequency", "frequency-based", "lfu", "least frequently used", "in-cache lfu"),
        baseline="lru",
        meaning=Meaning("lfu", "counts", "forgotten"),
    ),
    Kernel(
        "caching",
        "lfu-aging",
        "Evicts the item with the smallest count, which starts from the key of the last victim.",
        "evidentia.kernels.caching.lfuda:simulate",
        Paper("Evaluating content management techniques for Web proxy caches", "section 3"),
        tags=("lfu with aging", "lfu-da", "dynamic aging"),
        baseline="lru",
    ),
)
