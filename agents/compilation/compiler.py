"""From a concluded branch to the files of its package."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path

from evidentia.agents.compilation.drawing import Drawing
from evidentia.agents.compilation.material import Material
from evidentia.agents.compilation.table import table_picture
from evidentia.agents.compilation.texts import Texts, span
from evidentia.agents.compilation.tree import exploration_tree
from evidentia.agents.wording import number, words
from evidentia.workspace.canonical import canonical, content_id
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import CATEGORIES, EntryPoint, Manifest
from evidentia.workspace.package.store import hashes, write_package
from evidentia.workspace.quantities import figure as digits
from evidentia.workspace.records import Branch

NOTHING_RAN = b"Nothing was run: this package holds what a person noted.\n"
LICENCE = """SPDX-License-Identifier: Apache-2.0 AND CC-BY-4.0

Code (src/) is licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0
Text, data and figures are licensed under CC BY 4.0: https://creativecommons.org/licenses/by/4.0/
"""
TEXTS = {
    "README.md": "readme",
    "PAPER.md": "paper",
    "logic/problem.md": "problem",
    "logic/claims.md": "claims",
    "logic/concepts.md": "concepts",
    "logic/experiments.md": "experiments",
    "logic/solution/constraints.md": "constraints",
    "logic/related_work.md": "related_work",
    "src/environment.md": "environment",
    "src/configs/experiment.md": "configs",
    "src/artifacts.md": "artifacts",
    "evidence/README.md": "evidence_index",
    "evidence/logs/log_pointers.md": "log_pointers",
}
"""The Markdown files that every package has, each with its template."""


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
    texts = Texts(Material(branch, workspace))
    version, path = write_package(workspace, package, partial(_manifest, package, texts, _files(texts, events)))
    return package, version, path


def drawing_of(branch: Branch, workspace: Workspace) -> Drawing | None:
    """The figure that the branch's package will hold, None where it will hold none."""
    return Material(branch, workspace).drawing


def _manifest(package: str, texts: Texts, files: Mapping[str, bytes], number: int) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest of a version, with all files of the package."""
    m, b = texts.material, texts.material.branch
    complete = {**files, "CITATION.cff": texts.of("citation", version=number).encode()}
    manifest = Manifest(
        id=package,
        version=number,
        title=b.hypothesis.title,
        question=b.question,
        abstract=m.abstract,
        outcome=b.outcome,
        category=CATEGORIES.get(b.hypothesis.family, "cs.LG"),
        tags=m.tags,
        run=b.run,
        created=b.created,
        mind=b.mind,
        generator=f"evidentia {metadata.version('evidentia')}",
        unit=m.metric.unit,
        branch=b,
        claims=tuple(c.to_json() for c in b.claims),
        results=m.results,
        entry_points=tuple(
            EntryPoint(
                id=e["id"], script=e["script"], evidence=e["evidence_id"], role=e["role"], outputs=("rows.jsonl",)
            )
            for e in m.entries
        ),
        templates=texts.versions,
        files=hashes(complete),
    )
    return manifest, complete


def _files(texts: Texts, events: Sequence[bytes]) -> dict[str, bytes]:
    """Every file of the package but the manifest and what depends on the version."""
    m = texts.material
    made: dict[str, bytes] = {
        "LICENSE": LICENCE.encode(),
        **{name: texts.of(template).encode() for name, template in TEXTS.items()},
        "trace/exploration_tree.yaml": exploration_tree(m.branch),
        "trace/events.jsonl": b"".join(events),
    }
    for e in m.entries:
        made[e["script"]] = e["code"]
        made[f"evidence/manifests/{e['id']}.json"] = canonical(e["evidence"].to_json()) + b"\n"
        made[f"evidence/results/{e['id']}.md"] = texts.of("result", e=e).encode()
        made[f"evidence/logs/{e['id']}.stdout.txt"] = e["stdout"]
        made[f"evidence/logs/{e['id']}.stderr.txt"] = e["stderr"]
        if e["rows"]:
            made[f"evidence/rows/{e['id']}.jsonl"] = e["data"]
    if not m.entries:
        made |= dict.fromkeys(("src/execution/README.txt", "evidence/results/README.txt"), NOTHING_RAN)
    made |= _table(texts) | _figure(texts)
    return made


def _table(texts: Texts) -> dict[str, bytes]:
    m = texts.material
    if not m.results:
        return {
            "evidence/tables/T00.md": b"**Source** none\n\n| result |\n|---|\n| nothing was measured |\n",
            "evidence/tables/T00.png": table_picture(["result"], [["nothing was measured"]], "T00"),
        }
    varied = m.branch.hypothesis.varied
    header = ["system", *(words(v) for v in varied), "n", "mean", "interval"]
    rows = [
        [
            r.system,
            *(number(r.conditions[v]) if v in r.conditions else "–" for v in varied),
            str(r.n),
            digits(r.mean),
            span(r),
        ]
        for r in m.results
    ]
    picture = table_picture(header, rows, f"{words(m.metric.name)} ({m.metric.unit})")
    return {"evidence/tables/T01.md": texts.of("table").encode(), "evidence/tables/T01.png": picture}


def _figure(texts: Texts) -> dict[str, bytes]:
    drawing = texts.material.drawing
    if drawing is None:
        return {"evidence/figures/README.txt": b"No figure: the claims have no interval to draw.\n"}
    return {
        "evidence/figures/F01.md": texts.of("figure").encode(),
        "evidence/figures/F01.png": drawing.png,
        "evidence/figures/F01.svg": drawing.svg,
    }
