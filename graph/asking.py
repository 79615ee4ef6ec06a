"""What a person is shown at each gate: plain items, each with an `id`, that lie in the log with the question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evidentia.graph.branch import Branch
from evidentia.graph.budget import worst_case
from evidentia.graph.journal import Journal
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Experiment, Hypothesis


def ideas(journal: Journal, proposed: Sequence[Hypothesis]) -> list[dict[str, Any]]:
    """What the mind proposes to register: statement, why, worst case in experiments, and the whole hypothesis."""
    return [
        {
            "id": h.id,
            "title": h.title,
            "statement": h.statement,
            "form": h.form,
            "why": h.rationale,
            "follows": journal.tree.node_of.get(h.parent or "", ""),
            "worst_case": worst_case(h),
            "hypothesis": h.to_json(),
        }
        for h in proposed
    ]


def experiment(journal: Journal, branch: Branch, planned: Experiment, why: str) -> dict[str, Any]:
    """What is about to be measured: why it was selected, seeds, cells, the script's hash, worst case."""
    h = branch.hypothesis
    return {
        "id": branch.id,
        "node": journal.tree.node_of[branch.id],
        "title": h.title,
        "statement": h.statement,
        "why": why,
        "seeds": list(planned.seeds),
        "cells": len(planned.cells),
        "look": planned.look,
        "experiment": planned.id,
        "script": planned.script,
        "worst_case": worst_case(h) - planned.look,
    }


def package(journal: Journal, branch: Branch) -> dict[str, Any]:
    """What is about to be packaged: the verdict, every claim with its status and value, what tried to refute it."""
    h = branch.hypothesis
    return {
        "id": branch.id,
        "node": journal.tree.node_of[branch.id],
        "title": h.title,
        "statement": h.statement,
        "outcome": branch.outcome,
        "claims": [
            {"id": c.id, "statement": c.statement, "status": c.status, "value": quantity(c)} for c in branch.claims
        ],
        "attacks": [{"kind": a.kind, "survived": a.survived, "finding": a.finding} for a in branch.attacks or ()],
        "failure": branch.dead_end.failure_mode if branch.dead_end else "",
    }
