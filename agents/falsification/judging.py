"""What the attacks on a hypothesis's claims showed, and what must be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evidentia.agents.analysis import claim as decide_claim
from evidentia.agents.falsification.candidates import Candidate, cells_of, on_claims, on_scope
from evidentia.agents.wording import told
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Attack, Check, Claim, Hypothesis, PlannedClaim, Row, Value

ATTACK_CONFIDENCE = 0.95
BROKEN = {
    "row audit": "the rows are not those registered",
    "script audit": "the script does not measure what was registered",
}
"""Audits that take back every claim, with the reason."""


def judge(
    hypothesis: Hypothesis,
    claims: Sequence[Claim],
    rows: Sequence[Row],
    evidence: str,
    changed: Mapping[str, Value],
) -> tuple[Attack, ...]:
    """Every headline claim that was measured on fresh seeds, and the likeliest to fall of them under the changed
    condition; each with the reason why it was chosen.

    An attack is survived when it gives the claim's verdict again, not survived when it gives the opposite one,
    and says nothing (`survived` None) when its interval crosses the line. The intervals of several fresh claims hold
    together.
    """
    ranked = on_claims(hypothesis, claims)
    order = {c.claim: i for i, c in enumerate(ranked)}
    headline = [(p, c) for p, c in zip(hypothesis.claims, claims, strict=True) if c.headline]
    headline.sort(key=lambda pair: order.get(pair[1].id, len(order)))
    same = [r for r in rows if not any(k in r and r[k] == v for k, v in changed.items())]
    measured = [(p, c) for p, c in headline if _decided(hypothesis, p, c, same, evidence, 1).n] or headline[:1]
    attacks = []
    measured = [(p, c.model_copy(update={"check": _pinned(hypothesis, c.check, changed)})) for p, c in measured]
    for planned, target in measured:
        fresh = _decided(hypothesis, planned, target, same, evidence, len(measured))
        why = _why([c for c in ranked if c.claim == target.id], ranked)
        attacks.append(
            Attack(
                kind="fresh seeds",
                description=f"{target.id} measured again on seeds that no hypothesis used{why}",
                evidence=(evidence,),
                claims=(fresh,),
                survived=_survived(target, fresh),
                finding=f"on fresh seeds {target.id} is {fresh.status}: {quantity(fresh)}",
            )
        )
    if changed:
        attacks.append(_moved(hypothesis, *measured[0], rows, evidence, dict(changed)))
    return tuple(attacks)


def _moved(
    hypothesis: Hypothesis,
    planned: PlannedClaim,
    target: Claim,
    rows: Sequence[Row],
    evidence: str,
    changed: dict[str, Value],
) -> Attack:
    there = [r for r in rows if all(r[k] == v for k, v in changed.items() if k in r)]
    check = target.check.model_copy(
        update={
            side: {k: changed.get(k, v) for k, v in getattr(target.check, side).items()}
            for side in ("where", "at", "versus_at")
        }
    )
    claim = target.model_copy(update={"check": check})
    conditions = {**planned.conditions, **changed}
    moved = _decided(hypothesis, planned.model_copy(update={"conditions": conditions}), claim, there, evidence, 1)
    considered = on_scope(hypothesis, target.check, target)
    where = told(changed)
    why = _why([c for c in considered if c.changed == changed], considered)
    return Attack(
        kind="changed condition",
        description=f"{target.id} at {where}, which the claim does not cover{why}",
        changed=changed,
        evidence=(evidence,),
        claims=(moved,),
        survived=_survived(target, moved),
        finding=f"at {where} {target.id} is {moved.status}: {quantity(moved)}",
    )


def _pinned(hypothesis: Hypothesis, check: Check, changed: Mapping[str, Value]) -> Check:
    """The check with what only one of its sides has, where the change is of that: the rows of an attack hold both
    values of it, and whoever reads them later must know which was meant."""
    if not set(changed) - set(check.where):
        return check
    own: dict[str, dict[str, Value]] = {}
    for side, system in (("at", check.system), ("versus_at", check.versus)):
        given = getattr(check, side)
        cells = [c for c in cells_of(hypothesis, check) if c.system == system]
        cells = [c for c in cells if all(c.conditions.get(k) == v for k, v in given.items())]
        held = {k: {repr(c.conditions[k]) for c in cells if k in c.conditions} for k in changed if k not in check.where}
        own[side] = {**given, **{k: cells[0].conditions[k] for k, values in held.items() if len(values) == 1}}
    return check.model_copy(update=own)


def _decided(
    hypothesis: Hypothesis, planned: PlannedClaim, target: Claim, rows: Sequence[Row], evidence: str, together: int
) -> Claim:
    check = target.check.model_copy(update={"confidence": 1 - (1 - ATTACK_CONFIDENCE) / together})
    return decide_claim(hypothesis, planned, target.id, check, rows, [evidence])


def _why(chosen: Sequence[Candidate], considered: Sequence[Candidate]) -> str:
    """Why this test, in a clause; empty for one that was not among those considered."""
    if not chosen:
        return ""
    test = chosen[0]
    place = "the best" if test == considered[0] else f"number {1 + list(considered).index(test)}"
    return (
        f" ({test.what}; of {len(considered)} tests considered it has {place} ratio of chance to cost: "
        f"{100 * test.chance:.2g} % to refute with {test.cost:.3g} measurements)"
    )


def _survived(claim: Claim, again: Claim) -> bool | None:
    if again.status == "inconclusive" or claim.status == "inconclusive":
        return None
    return again.status == claim.status


UNPROVEN = "the library has not measured the same on fresh seeds, and the script is a language model's"


def take_back(claims: Sequence[Claim], attacks: Sequence[Attack]) -> tuple[Claim, ...]:
    """The claims after the attacks: a claim that fresh seeds contradict, or any claim over rows or a script that fail
    their audit, is inconclusive. Attacks only ever downgrade."""
    broken = next((BROKEN[a.kind] for a in attacks if a.kind in BROKEN and a.survived is False), "")
    contradicted = {c.id for a in attacks if a.kind == "fresh seeds" and a.survived is False for c in a.claims}
    return tuple(
        c.model_copy(update={"status": "inconclusive", "note": _reason(c, broken)})
        if broken or c.id in contradicted
        else c
        for c in claims
    )


def unproven(claims: Sequence[Claim], attacks: Sequence[Attack]) -> tuple[Claim, ...]:
    """The claims where the burden of proof lies with the script, as it does with a language model's own: decided only
    if the library's measurement on fresh seeds gave the same verdict."""
    proven = {c.id for a in attacks if a.kind == "fresh seeds" and a.survived for c in a.claims}
    return tuple(
        c
        if c.status == "inconclusive" or c.id in proven
        else c.model_copy(update={"status": "inconclusive", "note": _reason(c, UNPROVEN)})
        for c in claims
    )


def _reason(claim: Claim, broken: str) -> str:
    why = broken or "fresh seeds gave the opposite verdict"
    return f"{claim.note}; {why}" if claim.note else why
