"""Replication: a supported finding tested again on other seeds, and the statistics over all its replicas."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evidentia.agents.brief import Stages
from evidentia.graph.branch import Branch
from evidentia.workspace.blobs import BlobStore
from evidentia.workspace.quantities import figure as digits
from evidentia.workspace.records import Claim, Hypothesis

FIRST_SEED, APART = 500_000, 1000
"""Where the seeds of replicas begin, and how far apart two replicas' are: no other branch uses these."""
CONFIDENCE = 0.95


def to_replicate(branches: Sequence[Branch], plan: Stages) -> list[Branch]:
    """The supported findings of the highest priority that have claims, best first; a replica is none of them."""
    found = [b for b in branches if b.outcome == "supported" and not b.replicates]
    return sorted(found, key=lambda b: (-b.raw["priority"], b.seqs[0]))[: plan.replicate]


def replica(hypothesis: Hypothesis, number: int) -> Hypothesis:
    """The same hypothesis on the seeds of its replica `number`, from 1 on."""
    first = FIRST_SEED + hypothesis.sample_plan.first_seed + APART * number
    return hypothesis.model_copy(
        update={
            "title": f"{hypothesis.title}, replica {number}",
            "rationale": f"Replication across seeds: {hypothesis.rationale}",
            "sample_plan": hypothesis.sample_plan.model_copy(update={"first_seed": first}),
            "parent": hypothesis.id,
            "origin": "follow-up",
            "trigger": f"supported once; tested again on seeds from {first}",
        }
    )


@dataclass(frozen=True)
class Aggregate:
    """A claim over all studies: their mean `value` with a Student interval, how far they scatter (`sd`), and in how
    many of them it was `supported`. `low` and `high` are None for fewer than two values."""

    claim: str
    statement: str
    unit: str
    studies: int
    supported: int
    value: float | None
    sd: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, object]:
        """As a JSON value."""
        return asdict(self)


def aggregate(branches: Sequence[Branch]) -> tuple[Aggregate, ...]:
    """The claims of a finding and its replicas, pooled: each study counts once, whatever its number of seeds."""
    return tuple(_pooled([b.claims[i] for b in branches]) for i in range(min(len(b.claims) for b in branches)))


def _pooled(claims: Sequence[Claim]) -> Aggregate:
    values = [c.value for c in claims if c.value is not None]
    value = math.fsum(values) / len(values) if values else None
    sd = low = high = None
    if value is not None and len(values) > 1:
        from scipy.stats import t

        sd = math.sqrt(math.fsum((v - value) ** 2 for v in values) / (len(values) - 1))
        half = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * sd / math.sqrt(len(values))
        low, high = value - half, value + half
    supported = sum(c.status == "supported" for c in claims)
    first = claims[0]
    return Aggregate(first.id, first.statement, first.unit, len(claims), supported, value, sd, low, high)


def aggregation(branches: Sequence[Branch], replicas: Sequence[str], node: str, blobs: BlobStore) -> dict[str, Any]:
    """What the event of a finding's aggregation says; its `branches` are the finding and those replicas with claims."""
    pooled = aggregate(branches)
    held = sum(b.outcome == "supported" for b in branches)
    told = "; ".join(
        f"{a.claim} {digits(a.value)} {a.unit}, supported in {a.supported} of {a.studies} studies"
        for a in pooled
        if a.value is not None
    )
    return {
        "hypothesis": branches[0].id,
        "node": node,
        "title": f"{branches[0].hypothesis.title} over {len(branches)} studies",
        "statement": branches[0].hypothesis.statement,
        "replicas": list(replicas),
        "statistics": [a.to_json() for a in pooled],
        "figure": blobs.put(figure(branches, pooled)),
        "outcome": "supported" if held == len(replicas) + 1 else "null",
        "result": told,
        "evidence": [r.evidence.id for b in branches for r in b.runs("measure")],
    }


def figure(branches: Sequence[Branch], pooled: Sequence[Aggregate]) -> bytes:
    """One figure of all replicas as PNG: for each claim the studies' intervals, and below them the pooled one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(6.4, 1.2 + 0.28 * (len(branches) + 1) * len(pooled)), layout="constrained")
    axes = drawn.add_subplot()
    labels: list[str] = []
    for number, whole in enumerate(pooled):
        for study, branch in enumerate(branches):
            claim = branch.claims[number]
            _interval(axes, len(labels), claim.value, claim.ci, "tab:blue")
            labels.append(f"{claim.id} {'first' if study == 0 else f'replica {study}'} (n = {claim.n})")
        span = None if whole.low is None or whole.high is None else (whole.low, whole.high)
        _interval(axes, len(labels), whole.value, span, "black")
        labels.append(f"{whole.claim} over {whole.studies} studies")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel(f"effect ({pooled[0].unit})" if pooled else "effect")
    out = io.BytesIO()
    FigureCanvasAgg(drawn)
    drawn.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _interval(axes: object, place: int, value: float | None, span: tuple[float, float] | None, colour: str) -> None:
    if value is not None:
        axes.plot([value], [place], "o", color=colour)  # type: ignore[attr-defined]
    if span is not None:
        axes.plot(span, [place, place], "-", color=colour)  # type: ignore[attr-defined]
