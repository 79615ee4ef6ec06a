"""From a concluded branch to the files of its package."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from evidentia.agents.compilation import figures
from evidentia.agents.compilation.cards import concepts, parameters
from evidentia.agents.compilation.table import table_picture
from evidentia.agents.compilation.tree import exploration_tree
from evidentia.agents.subjects import family_of, metric_of
from evidentia.agents.wording import listed, number, told, words
from evidentia.kernels import registry
from evidentia.prompts import names, render, version
from evidentia.workspace.canonical import canonical, content_id
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import (
    CATEGORIES,
    CELL_CONFIDENCE,
    CellResult,
    EntryPoint,
    Manifest,
    summarise,
)
from evidentia.workspace.package.store import hashes, write_package
from evidentia.workspace.quantities import figure as digits
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import OWN_COMMAND, PERSON, Branch, Citation, Claim, Row, Run

FOLDER, PERSONS_FOLDER = "compilation", "capture"
"""The templates of a package; those of a person's run stand in for the ones of the same name."""
NOTHING_RAN = b"Nothing was run: this package holds what a person noted.\n"
LICENCE = """SPDX-License-Identifier: Apache-2.0 AND CC-BY-4.0

Code (src/) is licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0
Text, data and figures are licensed under CC BY 4.0: https://creativecommons.org/licenses/by/4.0/
"""


def package_id(branch: Branch) -> str:
    """A slug of the title and eight digits that tell run and hypothesis."""
    slug = re.sub(r"[^a-z0-9]+", "-", branch.hypothesis.title.lower()).strip("-")[:40].rstrip("-")
    return f"{slug}-{content_id([branch.run, branch.hypothesis.id], 8)}"


def compile_branch(branch: Branch, *, workspace: Workspace, events: Sequence[bytes]) -> tuple[str, int, Path]:
    """Write the branch's package and return its id, version and directory.

    `events` are the lines of the branch's slice of the log. Compiling the same branch again changes nothing.
    Raises BadInputError when the disk refuses and IntegrityError when a blob is damaged.
    """
    # As a resumed run reads it from the log: the order of keys must not tell the two apart.
    branch = Branch.model_validate_json(canonical(branch.to_json()))
    package = package_id(branch)
    material = _Material(branch, workspace, package)
    files = material.files(events)
    number, path = write_package(workspace, package, partial(material.manifest, files))
    return package, number, path


class _Material:
    """Everything the templates need of one branch, gathered once."""

    def __init__(self, branch: Branch, workspace: Workspace, package: str) -> None:
        self.branch, self.blobs, self.package = branch, workspace.blobs, package
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

    @property
    def _own_templates(self) -> list[str]:
        return names(PERSONS_FOLDER) if self.by_person else []

    def _tags(self) -> tuple[str, ...]:
        h = self.branch.hypothesis
        kind = [
            str(h.conditions[p.name]) for p in family_of(h).parameters if p.kind == "choice" and p.name in h.conditions
        ]
        origin = "recorded-by-a-person" if self.by_person else "ai-generated-research"
        return tuple(dict.fromkeys([h.family, h.form, h.metric.replace("_", "-"), *h.systems, *kind[:1], origin]))

    @property
    def abstract(self) -> str:
        """Question, method and result in a few sentences; every number is rendered from a claim."""
        h, b = self.branch.hypothesis, self.branch
        told = "; ".join(f"{c.id} is {c.status}: {quantity(c)}" for c in b.claims if c.headline)
        seeds = max((c.n for c in b.claims), default=0)
        tested = h.statement if self.by_person else _lower(h.statement)
        first = f"Asked: {b.question} This branch tests whether {tested}."
        if self.by_person and not b.claims:
            told = f"Asked: {b.question} {'Noted' if not b.runs else 'Recorded'} by a person: {h.statement}."
            return f"{told} {b.dead_end.failure_mode}." if b.dead_end else f"{told} Nothing was claimed before it ran."
        if not b.claims:
            return f"{first} The experiment gave no rows: {b.dead_end.failure_mode if b.dead_end else 'no reason'}."
        return f"{first} Over {seeds} seeds the hypothesis is {_verdict(b.outcome)}. {told}."

    def manifest(self, files: Mapping[str, bytes], number: int) -> tuple[Manifest, dict[str, bytes]]:
        """The manifest of a version, with all files of the package."""
        b = self.branch
        complete = {**files, "CITATION.cff": self._render("citation", version=number).encode()}
        manifest = Manifest(
            id=self.package,
            version=number,
            title=b.hypothesis.title,
            question=b.question,
            abstract=self.abstract,
            outcome=b.outcome,
            category=CATEGORIES.get(b.hypothesis.family, "cs.LG"),
            tags=self.tags,
            run=b.run,
            created=b.created,
            mind=b.mind,
            generator=f"evidentia {metadata.version('evidentia')}",
            unit=self.metric.unit,
            branch=b,
            claims=tuple(c.to_json() for c in b.claims),
            results=self.results,
            entry_points=tuple(
                EntryPoint(
                    id=e["id"], script=e["script"], evidence=e["evidence_id"], role=e["role"], outputs=("rows.jsonl",)
                )
                for e in self.entries
            ),
            templates={name: version(name) for name in (*names(FOLDER), *self._own_templates)},
            files=hashes(complete),
        )
        return manifest, complete

    def files(self, events: Sequence[bytes]) -> dict[str, bytes]:
        """Every file of the package but the manifest and what depends on the version."""
        made: dict[str, bytes] = {
            "LICENSE": LICENCE.encode(),
            "README.md": self._text("readme"),
            "PAPER.md": self._text("paper"),
            "logic/problem.md": self._text("problem"),
            "logic/claims.md": self._text("claims"),
            "logic/concepts.md": self._text("concepts"),
            "logic/experiments.md": self._text("experiments"),
            "logic/solution/constraints.md": self._text("constraints"),
            "logic/related_work.md": self._text("related_work"),
            "src/environment.md": self._text("environment"),
            "src/configs/experiment.md": self._text("configs"),
            "src/artifacts.md": self._text("artifacts"),
            "trace/exploration_tree.yaml": exploration_tree(self.branch),
            "trace/events.jsonl": b"".join(events),
            "evidence/README.md": self._text("evidence_index"),
            "evidence/logs/log_pointers.md": self._text("log_pointers"),
        }
        for e in self.entries:
            made[e["script"]] = e["code"]
            made[f"evidence/manifests/{e['id']}.json"] = canonical(e["evidence"].to_json()) + b"\n"
            made[f"evidence/results/{e['id']}.md"] = self._render("result", e=e).encode()
            made[f"evidence/logs/{e['id']}.stdout.txt"] = e["stdout"]
            made[f"evidence/logs/{e['id']}.stderr.txt"] = e["stderr"]
            if e["rows"]:
                made[f"evidence/rows/{e['id']}.jsonl"] = e["data"]
        if not self.entries:
            made |= dict.fromkeys(("src/execution/README.txt", "evidence/results/README.txt"), NOTHING_RAN)
        made |= self._table() | self._figure()
        return made

    def _table(self) -> dict[str, bytes]:
        if not self.results:
            return {
                "evidence/tables/T00.md": b"**Source** none\n\n| result |\n|---|\n| nothing was measured |\n",
                "evidence/tables/T00.png": table_picture(["result"], [["nothing was measured"]], "T00"),
            }
        varied = self.branch.hypothesis.varied
        header = ["system", *(words(v) for v in varied), "n", "mean", "interval"]
        rows = [
            [
                r.system,
                *(number(r.conditions[v]) if v in r.conditions else "–" for v in varied),
                str(r.n),
                digits(r.mean),
                _span(r),
            ]
            for r in self.results
        ]
        picture = table_picture(header, rows, f"{words(self.metric.name)} ({self.metric.unit})")
        return {"evidence/tables/T01.md": self._text("table"), "evidence/tables/T01.png": picture}

    def _figure(self) -> dict[str, bytes]:
        if self.drawing is None:
            return {"evidence/figures/README.txt": b"No figure: the claims have no interval to draw.\n"}
        return {
            "evidence/figures/F01.md": self._text("figure"),
            "evidence/figures/F01.png": self.drawing.png,
            "evidence/figures/F01.svg": self.drawing.svg,
        }

    def _text(self, name: str) -> bytes:
        return self._render(name).encode()

    def _render(self, name: str, **more: Any) -> str:
        b, h = self.branch, self.branch.hypothesis
        baseline = next((c.baseline for c in b.claims if c.baseline), "") or (
            h.systems[-1] if h.systems[1:] else "none"
        )
        data = {
            "b": b,
            "day": b.created[:10],
            "mind": "the built-in planner (not a language model)" if b.mind == "builtin" else f"the mind {b.mind}",
            "entries": self.entries,
            "results": self.results,
            "varied": h.varied,
            "unit": self.metric.unit,
            "tags": self.tags,
            "abstract": self.abstract,
            "figure": self.drawing,
            "baseline": baseline,
            "expected": f"{words(h.metric)}: {_lower(re.sub(r'[0-9][0-9.,]*', '…', h.statement))}",
            "insight": self.abstract if b.outcome == "supported" or not b.dead_end else b.dead_end.lesson,
            "cell_confidence": CELL_CONFIDENCE,
            "concepts": concepts(h),
            "parameters": parameters(h),
            "claim_ids": ", ".join(c.id for c in b.claims) or "none",
            "all_sources": ", ".join(e["id"] for e in self.entries),
            "titles": [c.title for c in b.citations[:3]],
            "quantity": quantity,
            "sources": self._sources,
            "proofs": self._proofs,
            "relation": self._relation,
            "adopted": self._adopted,
            "told": told,
            "words": words,
            "listed": listed,
            "number": number,
            "exact": digits,
            "span": _seeds,
            "span_of": _span,
            "cell": lambda text: text.replace("|", "\\|"),
            "yaml": lambda text: json.dumps(text, ensure_ascii=False),
        }
        own = f"{PERSONS_FOLDER}/{name}"
        return render(own if own in self._own_templates else f"{FOLDER}/{name}", **{**data, **more})

    def _entries_of(self, claim: Claim) -> list[dict[str, Any]]:
        return [e for e in self.entries if e["evidence_id"] in claim.evidence]

    def _sources(self, claim: Claim) -> str:
        found = [f"`evidence/rows/{e['id']}.jsonl` from `{e['script']}`" for e in self._entries_of(claim)]
        return "; ".join(found) or "no rows"

    def _proofs(self, claim: Claim) -> str:
        return ", ".join(e["id"] for e in self._entries_of(claim))

    def _relation(self, citation: Citation) -> str:
        papers = {registry.kernel(self.branch.hypothesis.family, s).paper.title for s in self.branch.hypothesis.systems}
        return "imports" if citation.title in papers else "bounds"

    def _adopted(self, citation: Citation) -> str:
        h = self.branch.hypothesis
        used = [s for s in h.systems if registry.kernel(h.family, s).paper.title == citation.title]
        return f"the mechanism of {listed(used)}" if used else "none"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[:2].istitle() else text


def _verdict(outcome: str) -> str:
    return {"null": "not decided"}.get(outcome, outcome)


def _seeds(seeds: Sequence[int]) -> str:
    if not seeds:
        return "none"
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])


def _span(result: CellResult) -> str:
    return f"[{digits(result.ci[0])}, {digits(result.ci[1])}]" if result.ci else "–"
