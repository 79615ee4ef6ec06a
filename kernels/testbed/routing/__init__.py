"""Routing of a decode batch to the experts of the test bed's mixture-of-experts model."""

from pathlib import Path

from evidentia.kernels.registry import Family, Kernel, Law, Metric, Paper, Parameter, register, register_family

_FAMILY = Family(
    name="testbed-routing",
    within="testbed",
    purpose="routing of a decode batch to the experts of a trained mixture-of-experts (MoE) language model, the test "
    "bed's: its quality on held-out files and the experts that a step activates",
    measure="evidentia.kernels.testbed.routing.measurement:measure",
    metrics=(
        Metric(
            "loss_in_bits",
            "bits per byte of held-out files above those under top-k routing, on the same bytes",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.01,
            aliases=("loss in bits", "quality", "loss", "accuracy", "degradation", "quality loss"),
        ),
        Metric(
            "bits_per_byte",
            "bits the model takes for a byte of held-out files, after a history that is routed top-k",
            unit="bits",
            direction="lower",
            effect="difference",
            smallest_effect=0.01,
            aliases=("bits per byte", "perplexity", "bpb"),
        ),
        Metric(
            "distinct_experts",
            "experts that a batch activates in a layer, mean over layers and decode steps",
            unit="experts",
            direction="lower",
            effect="ratio",
            smallest_effect=1.05,
            aliases=("distinct experts", "activated experts", "active experts", "number of experts"),
        ),
        Metric(
            "expert_bytes",
            "bytes of experts' weights that a decode step reads over all layers, at 2 bytes a number",
            unit="bytes",
            direction="lower",
            effect="ratio",
            smallest_effect=1.05,
            aliases=("expert bytes", "expert traffic", "bytes read", "traffic", "memory traffic"),
        ),
        Metric(
            "experts_used",
            "experts that a token is sent to in a layer, mean over layers and decoded tokens",
            unit="experts",
            direction="higher",
            effect="difference",
            smallest_effect=0.1,
            aliases=("experts used", "experts used per token", "experts of a token"),
        ),
    ),
    parameters=(
        Parameter(
            "batch",
            "sequences decoded at once",
            "int",
            default=16,
            low=1,
            high=256,
            unit="1",
            scale="log",
            levels=(1, 4, 16, 32),
            aliases=("batch size", "batch", "batches"),
        ),
        Parameter(
            "context",
            "tokens that the model sees at most; the first half is history, the second is decoded",
            "int",
            default=128,
            low=16,
            high=4096,
            unit="tokens",
            scale="log",
            levels=(64, 128, 256),
            aliases=("context", "context length"),
        ),
        Parameter(
            "tokens",
            "held-out bytes scored, or a little more: whole batches of half a context",
            "int",
            default=2048,
            low=8,
            high=1_000_000,
            unit="tokens",
            scale="log",
            levels=(1024, 2048, 4096),
        ),
    ),
)

_OEA = "Opportunistic expert activation: batch-aware expert routing for faster decode without retraining"
_K0 = Parameter(
    "k0",
    "best experts that every token keeps, of the model's 4",
    "int",
    default=2,
    low=1,
    high=4,
    unit="experts",
    levels=(1, 2, 3),
    aliases=("k0", "baseline experts", "experts kept per token", "kept experts"),
)


def _grows(why: str) -> tuple[Law, ...]:
    return (Law("distinct_experts", "batch", "power", 1.0, "at_most", why),)


_CARDS = (
    Kernel(
        "testbed-routing",
        "top-k",
        "Sends every token to the experts it scores highest, whatever the batch, as the model was trained.",
        "evidentia.kernels.serving.experts.top_k:route",
        Paper("Outrageously large neural networks: the sparsely-gated mixture-of-experts layer", "section 2.1"),
        tags=("vanilla routing", "standard routing", "top-k routing", "top-k"),
        laws=_grows("a batch of B tokens activates at most k times B experts"),
    ),
    Kernel(
        "testbed-routing",
        "oea",
        "Keeps every token's k0 best experts and adds those that other tokens of the batch keep, up to k.",
        "evidentia.kernels.serving.experts.oea:route",
        Paper(_OEA, "algorithm 1", arxiv="2511.02237"),
        tags=("piggyback", "piggybacking", "batch-aware routing", "opportunistic expert activation", "oea"),
        baseline="top-k",
        parameters=(_K0,),
        laws=_grows("a batch of B tokens activates at most k0 times B experts"),
        claim="at batch 16 fewer distinct experts are activated, without a significant loss of accuracy",
    ),
    Kernel(
        "testbed-routing",
        "top-k0",
        "Sends every token to its k0 best experts alone, without what the batch has loaded; an ablation.",
        "evidentia.kernels.serving.experts.pruned:route",
        Paper(_OEA, "phase 1 of algorithm 1", arxiv="2511.02237"),
        tags=("fewer experts", "pruned routing", "pruned", "top-k0"),
        baseline="top-k",
        parameters=(_K0,),
        laws=_grows("a batch of B tokens activates at most k0 times B experts"),
    ),
)

if (Path(__file__).parents[1] / "checkpoints" / "moe.safetensors").exists():
    register_family(_FAMILY)
    register(*_CARDS)
