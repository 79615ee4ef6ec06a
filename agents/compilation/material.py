"""What a package is compiled from: the branch with its experiments, rows, results and drawing, gathered once."""

from __future__ import annotations

import json
from typing import Any

from evidentia.agents.compilation import figures
from evidentia.agents.subjects import family_of, metric_of
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import CellResult, summarise
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import OWN_COMMAND, PERSON, Branch, Claim, Row, Run


class Material:
    """One branch, read once."""

    def __init__(self, branch: Branch, workspace: Workspace) -> None:
        self.branch, self.blobs = branch, workspace.blobs
        self.metric = metric_of(branch.hypothesis)
        self.by_person = branch.mind == PERSON
        self.rows: dict[str, list[Row]] = {}
        self.entries = [self._entry(f"E{i:02d}", run) for i, run in enumerate(branch.runs, start=1)]
        measured = [r for e in self.entries if e["role"] == "measure" for r in self.rows.get(e["id"], [])]
        self.results: tuple[CellResult, ...] = summarise(branch, measured)
        self.drawing = figures.draw(branch, self.results)
        self.tags = self._tags()

    def _entry(self, name: str, run: Run) -> dict[str, Any]:
        experiment, evidence = run.experiment, run.evidence
        digest = evidence.outputs.get("rows.jsonl")
        data = self.blobs.get(digest) if digest else b""
        if digest and evidence.ok:
            self.rows[name] = [json.loads(line) for line in data.splitlines() if line.strip()]
        role = {"measure": f"measurement, look {experiment.look + 1}", "falsify": "attack"}.get(experiment.role, "")
        if evidence.environment.sandbox == OWN_COMMAND:
            role = "a person's command"
        verified = [c.id for c in self.branch.claims if evidence.id in c.evidence]
        attacked = [c.id for a in self.branch.attacks if evidence.id in a.evidence for c in a.claims]
        return {
            "id": name,
            "title": role,
            "role": experiment.role,
            "script": f"src/execution/{name}.py",
            "code": self.blobs.get(experiment.script),
            "data": data,
            "rows": bool(digest),
            "stdout": self.blobs.get(evidence.stdout),
            "stderr": self.blobs.get(evidence.stderr),
            "seeds": experiment.seeds,
            "protocol": experiment.protocol or "as the script says",
            "environment": evidence.environment,
            "evidence": evidence,
            "evidence_id": evidence.id,
            "experiment": experiment.id,
            "verifies": ", ".join(dict.fromkeys(verified or attacked)) or "none",
        }

    def _tags(self) -> tuple[str, ...]:
        h = self.branch.hypothesis
        kind = [
            str(h.conditions[p.name]) for p in family_of(h).parameters if p.kind == "choice" and p.name in h.conditions
        ]
        origin = "recorded-by-a-person" if self.by_person else "ai-generated-research"
        guided = ["human-guided"] if self.branch.contributors else []
        named = [h.family, h.form, h.metric.replace("_", "-"), *h.systems, *kind[:1], origin, *guided]
        return tuple(dict.fromkeys(named))

    @property
    def abstract(self) -> str:
        """Question, method and result in a few sentences; every number is rendered from a claim."""
        h, b = self.branch.hypothesis, self.branch
        told = "; ".join(f"{c.id} is {c.status}: {quantity(c)}" for c in b.claims if c.headline)
        seeds = max((c.n for c in b.claims), default=0)
        tested = h.statement if self.by_person else lower(h.statement)
        first = f"Asked: {b.question} This branch tests whether {tested}."
        if self.by_person and not b.claims:
            told = f"Asked: {b.question} {'Noted' if not b.runs else 'Recorded'} by a person: {h.statement}."
            return f"{told} {b.dead_end.failure_mode}." if b.dead_end else f"{told} Nothing was claimed before it ran."
        if not b.claims:
            return f"{first} The experiment gave no rows: {b.dead_end.failure_mode if b.dead_end else 'no reason'}."
        return f"{first} Over {seeds} seeds the hypothesis is {_verdict(b.outcome)}. {told}."

    def entries_of(self, claim: Claim) -> list[dict[str, Any]]:
        """The experiments that a claim rests on."""
        return [e for e in self.entries if e["evidence_id"] in claim.evidence]


def lower(text: str) -> str:
    """A sentence to stand within another; names in capitals stay."""
    return text[:1].lower() + text[1:] if text[:2].istitle() else text


def _verdict(outcome: str) -> str:
    return {"null": "not decided"}.get(outcome, outcome)
