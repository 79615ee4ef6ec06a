"""The attack on a branch's claims: audits of its rows and scripts, and the test that is worth most for its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evidentia.agents import falsification
from evidentia.agents.minds.llm.scripts import by_model
from evidentia.graph.branch import Branch
from evidentia.workspace.records import Attack, Claim, Value

if TYPE_CHECKING:
    from evidentia.graph.branch_steps import BranchSteps


def attacked(steps: BranchSteps, branch: Branch) -> tuple[list[Attack], tuple[Claim, ...]]:
    """All attacks on what a branch has decided, and the claims as they leave them.

    The test that the mind proposes is run once; a resumed run finds it in the log and does not ask again.
    """
    hypothesis, claims = branch.hypothesis, branch.claims
    measured = [r.experiment for r in branch.runs("measure") if r.evidence.ok]
    attacks = [falsification.audit_rows(measured, steps.rows(branch, "measure"))]
    attacks += [falsification.audit_script(hypothesis, e, steps.script(e)) for e in measured]
    tried = branch.tried("falsify", 0)
    changed = branch.changed.get(tried[0].id) if tried else None
    planned = steps.mind.attack(hypothesis, claims) if changed is None else None
    if tried or (planned and steps.may_run(branch)):
        design = planned[0] if planned else None
        changed = _values(planned[1]) if planned else changed or {}
        experiment = steps.execute(branch, design, "falsify", 0, changed=changed)
        if experiment is not None:
            evidence = branch.evidence(experiment.id)
            rows = steps.laboratory.rows(evidence)
            attacks += falsification.judge(hypothesis, claims, rows, evidence.id, changed)
    kept = falsification.take_back(claims, attacks)
    if any(by_model(steps.script(e)) for e in measured):
        kept = falsification.unproven(kept, attacks)
    return attacks, kept


def _values(changed: dict[str, object]) -> dict[str, Value]:
    return {k: v for k, v in changed.items() if isinstance(v, int | float | str | bool)}
