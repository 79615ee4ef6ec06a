"""AttentionHub's `discovery.json`, schema 0.1, with the whole package under ``artifacts/``.

The names of the fields are those of the published schema and of the packages its hub shows
(https://attentionhub.org/api/v1/schema).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from evidentia.hub.exports.contents import Contents, read_contents
from evidentia.hub.exports.placing import fill, placed_folder
from evidentia.workspace.canonical import sha256
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.store import MANIFEST
from evidentia.workspace.records import Branch, Claim, Node

SCHEMA, PROFILE = "attentionhub/discovery@0.1", "systems@0.1"
FILE = "discovery.json"
KINDS = {
    "improvement": "comparison",
    "equivalence": "comparison",
    "bound": "performance",
    "optimum": "performance",
    "scaling": "performance",
}
MOST = {"title": 300, "abstract": 5000, "slug": 64, "concept": 80, "concepts": 24}
PLACE = "artifacts/"
ENTRYPOINT = "verify/verify.sh"
VERIFY = b"""#!/bin/sh
# Runs every script of the package again and compares; needs Evidentia on the path.
cd "$(dirname "$0")/.." && exec evidentia verify artifacts --json > verify_output.json
"""
PASSED = 3
_ROLES = {"src/execution/": "code", "evidence/rows/": "data", "evidence/logs/": "log", "evidence/figures/": "figure"}


def export_discovery(package: Path, out: Path) -> Path:
    """Write the folder that the hub takes as a package: ``discovery.json``, ``artifacts/`` and ``verify/verify.sh``."""
    contents = read_contents(package)
    made = discovery(contents)
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    held = {PLACE + name: data for name, data in contents.files.items()}
    with placed_folder(out) as building:
        fill(building, {FILE: text.encode(), ENTRYPOINT: VERIFY, **held})
        (building / ENTRYPOINT).chmod(0o755)
    return out


def discovery(contents: Contents) -> dict[str, Any]:
    """The manifest in AttentionHub's terms."""
    manifest, branch = contents.manifest, contents.manifest.branch
    return {
        "schema": SCHEMA,
        "profile": PROFILE,
        "slug": slug(manifest.id),
        "version": manifest.version,
        "title": manifest.title[: MOST["title"]],
        "abstract": manifest.abstract[: MOST["abstract"]],
        "domain": manifest.category,
        "concepts": [t[: MOST["concept"]] for t in dict.fromkeys(manifest.tags) if len(t) > 1][: MOST["concepts"]],
        "license": "CC-BY-4.0" if "CC-BY-4.0" in manifest.licence else manifest.licence,
        "contributors": [
            {"kind": "agent", "name": "Evidentia", "system": manifest.generator, "model": manifest.mind},
            *({"kind": "human", "name": p.name, "roles": list(p.roles)} for p in branch.contributors),
        ],
        "provenance": {
            "generator": manifest.generator,
            "run": manifest.run,
            "created": manifest.created,
            "question": manifest.question,
            "outcome": manifest.outcome,
            "package": manifest.id,
            "manifest_sha256": sha256(contents.files[MANIFEST]),
            "human_oversight": _oversight(branch),
        },
        "claims": [_claim(manifest, claim) for claim in branch.claims],
        "runs": [_run(manifest, index) for index in range(len(branch.runs))],
        "artifacts": _artifacts(contents),
        "environment": _environment(manifest),
        "verification": {
            "mode": "script",
            "entrypoint": ENTRYPOINT,
            "expected": [
                {"claim": c.id.lower(), "path": "rung", "op": "approx", "value": PASSED} for c in branch.claims
            ],
        },
        "exploration": {"nodes": [_node(node) for node in (*branch.path, *branch.siblings)]},
        "relations": [
            {"kind": "uses", "target": f"arXiv:{c.arxiv}", "title": c.title, "note": c.note}
            for c in branch.citations
            if c.arxiv
        ],
    }


def slug(identity: str) -> str:
    """An id as that hub allows it: lower case, digits and hyphens, 3 to 64 characters."""
    text = re.sub(r"[^a-z0-9-]+", "-", identity.lower()).strip("-")[: MOST["slug"]]
    return text if len(text) > 2 else f"package-{text}"


def _claim(manifest: Manifest, claim: Claim) -> dict[str, Any]:
    entries = [e for e in manifest.entry_points if e.evidence in claim.evidence]
    structured: dict[str, Any] = {
        "system": claim.system,
        "baseline": claim.baseline,
        "workload": claim.workload,
        "metric": claim.metric,
        "value": claim.value,
        "unit": claim.unit,
        "n": claim.n,
        "sd": claim.sd,
        "ci": list(claim.ci) if claim.ci else None,
        "tolerance": claim.tolerance,
        "higher_is_better": claim.check.higher_is_better,
        "conditions": dict(claim.conditions),
    }
    return {
        "id": claim.id.lower(),
        "kind": "negative" if claim.status == "refuted" else KINDS.get(claim.kind, "comparison"),
        "statement": claim.statement,
        "status": claim.status,
        "structured": {k: v for k, v in structured.items() if v not in (None, "", {})},
        "evidence": [
            *({"run": e.id} for e in entries),
            *({"artifact": f"{PLACE}evidence/rows/{e.id}.jsonl"} for e in entries),
        ],
    }


def _run(manifest: Manifest, index: int) -> dict[str, Any]:
    entry, run = manifest.entry_points[index], manifest.branch.runs[index]
    evidence = run.evidence
    return {
        "id": entry.id,
        "command": f"python {PLACE}{entry.script}",
        "hardware": evidence.environment.processor,
        "duration_seconds": evidence.wall_seconds,
        "exit_status": evidence.exit_status,
        "seeds": list(evidence.seeds),
        "logs": [f"{PLACE}evidence/logs/{entry.id}.{stream}.txt" for stream in ("stdout", "stderr")],
    }


def _artifacts(contents: Contents) -> list[dict[str, Any]]:
    found = []
    for name, data in sorted(contents.files.items()):
        role = next((role for start, role in _ROLES.items() if name.startswith(start)), "document")
        found.append({"role": role, "path": PLACE + name, "sha256": sha256(data), "bytes": len(data)})
    return found


def _environment(manifest: Manifest) -> dict[str, Any]:
    if not manifest.branch.runs:
        return {}
    found = manifest.branch.runs[0].evidence.environment
    return {
        "python": found.python,
        "platform": found.platform,
        "hardware": found.processor,
        "packages": dict(found.packages),
        "commit": found.commit,
    }


def _oversight(branch: Branch) -> str:
    """Whether a person reviewed the branch, guided the run, or neither."""
    if any(r.kind == "person" for r in branch.reviews):
        return "reviewed"
    return "guided" if branch.contributors else "none"


def _node(node: Node) -> dict[str, Any]:
    parents = [p for p in (node.parent, *node.also_depends_on) if p]
    status = {"dead_end": "dead_end", "experiment": "done"}.get(node.type, node.type)
    return {"id": node.id, "type": node.type, "title": node.title, "parents": parents, "status": status, **node.fields}
