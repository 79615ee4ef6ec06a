"""Falsification: what the attacks on a claim showed, and what must be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evidentia.agents.analysis import claim as decide_claim
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Attack, Claim, Experiment, Hypothesis, Row, Value

ATTACK_CONFIDENCE = 0.95


def judge(
    hypothesis: Hypothesis,
    claims: Sequence[Claim],
    rows: Sequence[Row],
    evidence: str,
    changed: Mapping[str, Value],
) -> tuple[Attack, ...]:
    """The first headline claim on fresh seeds, and under the changed condition.

    An attack is survived when it gives the claim's verdict again, not survived when it gives the opposite one,
    and says nothing (`survived` None) when its interval crosses the line.
    """
    number, target = next((i, c) for i, c in enumerate(claims) if c.headline)
    planned = hypothesis.claims[number]
    check = target.check.model_copy(update={"confidence": ATTACK_CONFIDENCE})
    fresh = decide_claim(hypothesis, planned, target.id, check, rows, [evidence])
    attacks = [
        Attack(
            kind="fresh seeds",
            description=f"{target.id} measured again on seeds that no hypothesis used",
            evidence=(evidence,),
            claims=(fresh,),
            survived=_survived(target, fresh),
            finding=f"on fresh seeds {target.id} is {fresh.status}: {quantity(fresh)}",
        )
    ]
    if changed:
        moved_check = check.model_copy(update={"where": {**check.where, **changed}})
        conditions = {**planned.conditions, **changed}
        moved = decide_claim(
            hypothesis, planned.model_copy(update={"conditions": conditions}), target.id, moved_check, rows, [evidence]
        )
        told = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in changed.items())
        attacks.append(
            Attack(
                kind="changed condition",
                description=f"{target.id} at {told}, which the claim does not cover",
                changed=dict(changed),
                evidence=(evidence,),
                claims=(moved,),
                survived=_survived(target, moved),
                finding=f"at {told} {target.id} is {moved.status}: {quantity(moved)}",
            )
        )
    return tuple(attacks)


def _survived(claim: Claim, again: Claim) -> bool | None:
    if again.status == "inconclusive" or claim.status == "inconclusive":
        return None
    return again.status == claim.status


def audit_rows(experiments: Sequence[Experiment], rows: Sequence[Row]) -> Attack:
    """Whether the rows are exactly the registered cells and seeds: none missing, none twice, none of other seeds."""
    wanted = {_key(c.system, s, c.conditions) for e in experiments for c in e.cells for s in e.seeds}
    found = [
        _key(str(r["system"]), int(r["seed"]), {k: v for k, v in r.items() if k not in ("system", "seed")})
        for r in rows
    ]
    names = {k for _, _, conditions in wanted for k, _ in conditions}
    seen = [(s, n, tuple(p for p in conditions if p[0] in names)) for s, n, conditions in found]
    missing, strange = wanted - set(seen), set(seen) - wanted
    doubled = len(seen) - len(set(seen))
    clean = not missing and not strange and not doubled
    text = (
        "the rows are exactly the registered cells and seeds"
        if clean
        else f"rows missing: {len(missing)}, not registered: {len(strange)}, twice: {doubled}"
    )
    return Attack(
        kind="row audit",
        description="Rows compared with what was registered",
        survived=clean,
        finding=text,
    )


def _key(system: str, seed: int, conditions: Mapping[str, Value]) -> tuple[str, int, tuple[tuple[str, Value], ...]]:
    return system, seed, tuple(sorted(conditions.items()))


def take_back(claims: Sequence[Claim], attacks: Sequence[Attack]) -> tuple[Claim, ...]:
    """The claims after the attacks: a claim that fresh seeds contradict, or any claim over rows that fail the
    audit, is inconclusive. Attacks only ever downgrade."""
    broken = any(a.kind == "row audit" and a.survived is False for a in attacks)
    contradicted = {c.id for a in attacks if a.kind == "fresh seeds" and a.survived is False for c in a.claims}
    return tuple(
        c.model_copy(update={"status": "inconclusive", "note": _reason(c, broken)})
        if broken or c.id in contradicted
        else c
        for c in claims
    )


def _reason(claim: Claim, broken: bool) -> str:
    why = "the rows are not those registered" if broken else "fresh seeds gave the opposite verdict"
    return f"{claim.note}; {why}" if claim.note else why
