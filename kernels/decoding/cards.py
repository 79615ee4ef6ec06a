"""The cards of the decoding family; only kernels whose checkpoints are shipped are registered."""

from pathlib import Path

from evidentia.kernels.registry import Family, Kernel, Metric, Paper, Parameter, register, register_family

FAMILY = Family(
    name="decoding",
    purpose="generating text with the test bed's main model by different ways of decoding, on one processor thread, "
    "after prompts from held-out files",
    measure="evidentia.kernels.decoding.measurement:measure",
    metrics=(
        Metric(
            "tokens_per_step",
            "new tokens for a pass of the main model, the prompt's own pass left out",
            unit="tokens/step",
            direction="higher",
            effect="ratio",
            smallest_effect=1.05,
            aliases=("tokens per step", "tokens per pass", "accepted tokens per step", "model passes", "passes"),
        ),
        Metric(
            "time_per_token",
            "wall time of decoding for a new token at batch 1 on one thread, reading the prompt left out",
            unit="ms",
            direction="lower",
            effect="ratio",
            smallest_effect=1.05,
            timed=True,
            aliases=("time", "fast", "faster", "speed", "speed-up", "slow", "slower", "latency", "time per token"),
        ),
        Metric(
            "acceptance_rate",
            "drafted tokens that stand, of those up to and with the first rejected one of each step; 0 without drafts",
            unit="%",
            direction="higher",
            effect="difference",
            smallest_effect=2.0,
            aliases=("acceptance", "acceptance rate", "accepted", "accept"),
        ),
        Metric(
            "identical",
            "new tokens that are the same as those of greedy autoregressive decoding, place by place",
            unit="%",
            direction="higher",
            effect="difference",
            smallest_effect=1.0,
            aliases=("identical", "identical output", "same output", "same text", "lossless"),
        ),
        Metric(
            "bits_per_token",
            "bits that the main model at temperature 1 takes for the new tokens: the same, on average, for all ways "
            "that keep its distribution",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.1,
            aliases=("bits per token", "likelihood", "perplexity", "quality", "distribution"),
        ),
    ),
    parameters=(
        Parameter(
            "gamma",
            "tokens drafted in a step, at most; for Medusa the heads used",
            "int",
            default=4,
            low=1,
            high=32,
            unit="tokens",
            levels=(1, 2, 4, 6, 8),
            aliases=("gamma", "draft length", "drafted tokens", "lookahead"),
        ),
        Parameter(
            "temperature",
            "of sampling; 0 is greedy decoding",
            "float",
            default=0.0,
            low=0.0,
            high=2.0,
            unit="1",
            levels=(0.0, 0.5, 1.0),
            aliases=("temperature", "sampling temperature"),
        ),
        Parameter(
            "prompt_length",
            "bytes of held-out text before the first new token",
            "int",
            default=256,
            low=8,
            high=960,
            unit="tokens",
            scale="log",
            levels=(64, 256, 512),
            aliases=("prompt length", "prompt", "context length", "context"),
        ),
        Parameter(
            "new_tokens",
            "tokens to generate; the last step may go beyond",
            "int",
            default=48,
            low=1,
            high=900,
            unit="tokens",
            scale="log",
            levels=(32, 48, 96),
            aliases=("new tokens", "generated tokens", "output length"),
        ),
    ),
)

_TREE_NODES = Parameter(
    "tree_nodes",
    "candidates verified together",
    "int",
    default=8,
    low=1,
    high=64,
    unit="tokens",
    scale="log",
    levels=(2, 4, 8, 16),
    aliases=("tree nodes", "tree size", "candidates", "candidate tree"),
)

_LEVIATHAN = "Fast Inference from Transformers via Speculative Decoding"
_MEDUSA = "Medusa: Simple LLM Inference Acceleration Framework with Multiple Decoding Heads"
_MODULES = "evidentia.kernels.decoding"

_CARDS = (
    Kernel(
        "decoding",
        "autoregressive",
        "A pass of the model for every token.",
        f"{_MODULES}.autoregressive:generate",
        Paper(_LEVIATHAN, "1 Introduction", "2211.17192"),
        tags=("standard decoding", "token by token", "autoregressive decoding"),
    ),
    Kernel(
        "decoding",
        "speculative",
        "A small model drafts tokens, and one pass of the large one verifies them by exact rejection sampling.",
        f"{_MODULES}.speculative:ModelDrafter",
        Paper(_LEVIATHAN, "2 Speculative decoding", "2211.17192"),
        tags=("draft model", "speculative sampling", "speculative decoding"),
        baseline="autoregressive",
        claim="2x to 3x as fast as standard decoding for T5-XXL, with identical outputs.",
        claim_needs_gpu=True,
    ),
    Kernel(
        "decoding",
        "prompt-lookup",
        "What followed the last bytes at an earlier place of the text is the draft.",
        f"{_MODULES}.prompt_lookup:PromptLookup",
        Paper("Prompt Lookup Decoding"),
        tags=("n-gram", "prompt lookup", "lookup decoding", "prompt lookup decoding"),
        baseline="autoregressive",
        parameters=(
            Parameter(
                "longest_match",
                "bytes of the longest match looked for",
                "int",
                default=8,
                low=3,
                high=64,
                unit="tokens",
                levels=(4, 8, 16),
                aliases=("longest match", "match length", "n-gram length"),
            ),
        ),
    ),
    Kernel(
        "decoding",
        "suffix-tree",
        "What most often followed the longest match in earlier rollouts of the same prompt is the draft.",
        f"{_MODULES}.suffix_tree:SuffixDrafter",
        Paper("Beat the long tail: Distribution-Aware Speculative Decoding for RL Training", arxiv="2511.13841"),
        tags=("das", "suffix tree", "distribution-aware", "suffix decoding", "suffix-tree drafter"),
        baseline="autoregressive",
        parameters=(
            Parameter(
                "rollouts",
                "earlier rollouts of the prompt that are indexed",
                "int",
                default=8,
                low=1,
                high=64,
                unit="1",
                scale="log",
                levels=(1, 2, 4, 8, 16),
                aliases=("rollouts", "earlier rollouts", "number of rollouts", "history"),
            ),
            Parameter(
                "rollout_temperature",
                "at which the earlier rollouts were sampled",
                "float",
                default=0.7,
                low=0.1,
                high=2.0,
                unit="1",
                levels=(0.3, 0.7, 1.0),
                aliases=("rollout temperature",),
            ),
        ),
        claim="Rollouts of reinforcement learning take up to 50 % less time, with the same training curves.",
        claim_needs_gpu=True,
    ),
    Kernel(
        "decoding",
        "medusa",
        "Heads on the frozen model draft a tree of candidates, verified by tree attention and exact acceptance.",
        f"{_MODULES}.medusa:generate",
        Paper(_MEDUSA, "2.1 Key components", "2401.10774"),
        tags=("medusa heads", "tree attention", "medusa"),
        baseline="autoregressive",
        parameters=(_TREE_NODES,),
        claim="Heads trained on a frozen model (Medusa-1) decode more than 2.2x as fast, without loss of quality.",
        claim_needs_gpu=True,
    ),
    Kernel(
        "decoding",
        "medusa-typical",
        "Medusa, taking any candidate that is typical of the model: more tokens a step, but another distribution.",
        f"{_MODULES}.medusa:generate",
        Paper(_MEDUSA, "2.3.1 Typical acceptance", "2401.10774"),
        tags=("typical acceptance",),
        baseline="medusa",
        parameters=(
            _TREE_NODES,
            Parameter(
                "epsilon",
                "probability above which a candidate is always typical",
                "float",
                default=0.09,
                low=0.0,
                high=1.0,
                unit="fraction",
                scale="log",
                levels=(0.01, 0.03, 0.09, 0.25),
                aliases=("epsilon", "posterior threshold"),
            ),
        ),
    ),
)


def _shipped(*files: str) -> bool:
    kernels = Path(__file__).parents[1]
    return all((kernels / file).exists() for file in files)


_MAIN = "testbed/checkpoints/main.safetensors"
_NEEDS = {
    "speculative": "testbed/checkpoints/draft.safetensors",
    "medusa": "decoding/checkpoints/medusa.safetensors",
    "medusa-typical": "decoding/checkpoints/medusa.safetensors",
}

CARDS = tuple(card for card in _CARDS if _shipped(_MAIN, _NEEDS.get(card.name, _MAIN)))

if CARDS:
    register_family(FAMILY)
    register(*CARDS)
