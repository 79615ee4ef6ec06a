"""Whether what a brief states can be tested: kernels, metrics, conditions and levels against the library's cards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evidentia.kernels import registry
from evidentia.workspace.records import Value
from evidentia.workspace.studies import Device, Stated

MOST = 24
ESTIMATORS = (
    *("mean", "paired_difference", "paired_ratio", "power_exponent", "exponential_rate", "change_over_range"),
    *("ratio_over_range", "isotonic_change", "isotonic_ratio", "crossover", "threshold_crossing", "regret"),
    "regret_ratio",
)
"""What a stated claim may be estimated by."""


def check(claims: Sequence[Stated], families: Sequence[str], device: Device) -> None:
    """Raise ValueError naming the first claim that cannot be tested, and why; or a family that runs elsewhere than on
    the `device` of the brief's run."""
    if device == "cpu" and (elsewhere := next((f for f in families if registry.on_gpu(f)), None)):
        told = 'leave it out, and state claims with device = "cuda" about it'
        raise ValueError(f"families: {elsewhere} runs on a CUDA device alone; {told}")
    if len(claims) > MOST:
        raise ValueError(f"claims: {len(claims)} are more than {MOST}; split the brief")
    known: dict[str, str] = {}
    for stated in claims:
        try:
            _one(stated, families)
        except KeyError as error:
            raise ValueError(f"claims: {stated.id}: {error.args[0]}") from None
        except ValueError as error:
            raise ValueError(f"claims: {stated.id}: {error}") from None
        if stated.id in known:
            raise ValueError(f"claims: the name {stated.id!r} stands twice")
        if stated.unless and known.get(stated.unless) != stated.device:
            raise ValueError(
                f"claims: {stated.id}: unless = {stated.unless!r} names no claim before it for the same device"
            )
        known[stated.id] = stated.device


def _one(stated: Stated, families: Sequence[str]) -> None:
    registry.family(stated.family).metric(stated.metric)
    if stated.device == "cpu" and stated.family not in families:
        raise ValueError(f"its family {stated.family!r} is not among the brief's families; add it there")
    systems = [name for name in (stated.system, stated.versus) if name]
    for name in systems:
        if registry.kernel(stated.family, name).needs_gpu != (stated.device == "cuda"):
            needs = "runs on a CUDA device" if stated.device == "cpu" else "does not run on a CUDA device"
            raise ValueError(f"{name} {needs}, and the claim has device = {stated.device!r}")
    if stated.estimator is not None and stated.estimator not in ESTIMATORS:
        raise ValueError(f"the estimator {stated.estimator!r} is none of {', '.join(ESTIMATORS)}")
    if stated.versus == stated.system and stated.at == stated.versus_at:
        raise ValueError("system and versus are the same, and at and versus_at do not tell them apart")
    given: list[tuple[str, Iterable[Value]]] = [(n, (v,)) for n, v in (stated.conditions | stated.at).items()]
    given += [(n, (v,)) for n, v in stated.versus_at.items()] + list(stated.grid.items())
    given += [(stated.parameter, stated.levels)] if stated.parameter else []
    cards = registry.parameters(stated.family)
    for name, values in given:
        if name not in cards:
            raise ValueError(f"no such condition {name!r}; there are {', '.join(sorted(cards))}")
        for value in values:
            cards[name].check(value)
    if stated.parameter and (len(stated.levels) < 3 and stated.candidate is None):
        raise ValueError("a sweep needs at least three levels")
