"""The ARA layout of a description that has none: every file it wants, with what was stated and nothing more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from evidentia.hub.imports.described import LIST, Described
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Citation, Claim, Node

NONE = "None is stated."
EMPTY = ("src/execution", "src/configs", "evidence/tables", "evidence/figures", "evidence/results")


def ara_files(described: Described, held: dict[str, bytes]) -> Described:
    """The same description with the files of an ARA directory, beside the files in `held`."""
    texts = {
        "PAPER.md": _paper(described),
        "logic/problem.md": f"# Problem\n\n## Key Insight\n\n{described.abstract}\n\n## Assumptions\n\n{NONE}\n",
        "logic/claims.md": "# Claims\n\n" + "\n".join(_claim(described, c) for c in described.claims),
        "logic/concepts.md": "# Concepts\n\n" + "".join(f"- {tag}\n" for tag in described.tags or (NONE,)),
        "logic/experiments.md": f"# Experiments\n\nNo run was recorded in a form that could be read; see `{LIST}`.\n",
        "logic/solution/constraints.md": f"# Limits\n\nNothing was run here: see `{LIST}`.\n",
        "logic/related_work.md": "# Related work\n\n" + ("\n".join(map(_work, _numbered(described))) or f"{NONE}\n"),
        "src/environment.md": f"# Environment\n\nWhat is stated stands in the source; see `{LIST}`.\n",
        "src/artifacts.md": "# Artifacts\n\n" + ("".join(f"- {name}\n" for name in sorted(held)) or f"{NONE}\n"),
        "trace/exploration_tree.yaml": _tree(described),
        "evidence/README.md": "# Evidence\n\n" + "".join(f"- {name}\n" for name in sorted(held)),
        "evidence/logs/log_pointers.md": "# Logs\n\nNone was imported as a log.\n",
        **{f"{folder}/README.txt": "Nothing was imported into this folder.\n" for folder in EMPTY},
    }
    return replace(described, files={**{name: text.encode() for name, text in texts.items()}, **held})


def _paper(described: Described) -> str:
    front: dict[str, Any] = {
        "title": described.title,
        "authors": list(described.authors) or ["unknown"],
        "year": int(described.created[:4]),
        "venue": f"imported from {described.form}",
        "doi": None,
        "ara_version": "1.0",
        "domain": described.category,
        "keywords": list(described.tags),
        "claims_summary": [f"{c.id} ({c.status}): {c.statement}" for c in described.claims],
        "abstract": described.abstract,
    }
    rows = ["problem.md", "claims.md", "concepts.md", "experiments.md", "solution/constraints.md", "related_work.md"]
    names = [*(f"logic/{row}" for row in rows), "src/environment.md", "src/artifacts.md", "evidence/README.md"]
    index = "\n".join(f"| {name.split('/')[0]} | `{name}` |" for name in [*names, "trace/exploration_tree.yaml"])
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    body = f"# {described.title}\n\n{described.abstract}\n\n## Layer Index\n\n| layer | file |\n|---|---|\n{index}\n"
    return f"---\n{head}---\n\n{body}"


def _claim(described: Described, claim: Claim) -> str:
    conditions = ", ".join(f"{k} {v}" for k, v in claim.conditions.items()) or "none stated"
    value = quantity(claim) if claim.value is not None else "no value is stated as data"
    return (
        f"## {claim.id}: {claim.statement}\n"
        f"- **Statement**: {claim.statement}\n"
        f"- **Conditions**: {conditions}\n"
        f"- **Sources**: {described.form}\n"
        f"- **Status**: {'hypothesis' if claim.status == 'inconclusive' else claim.status}\n"
        f"- **Falsification criteria**: {described.falsification}\n"
        f"- **Proof**: []\n"
        f"- **Evidence basis**: {value} ({claim.note})\n"
        f"- **Dependencies**: none\n"
        f"- **Tags**: {claim.kind}\n"
    )


def _numbered(described: Described) -> list[tuple[int, Citation]]:
    return list(enumerate(described.citations, start=1))


def _work(numbered: tuple[int, Citation]) -> str:
    number, citation = numbered
    return (
        f"## RW{number:02d}: {citation.title}\n"
        f"- **DOI**: arXiv:{citation.arxiv}\n"
        f"- **Type**: bounds\n"
        f"- **Delta**: {citation.note or NONE}\n"
        f"- **Claims affected**: none stated\n"
        f"- **Adopted elements**: none stated\n"
    )


def _tree(described: Described) -> str:
    root = {"id": "N00", "type": "question", "title": described.title, "support_level": "inferred"}
    below = [_entry(described.nodes, n, 0) for n in described.nodes if n.parent is None]
    tree = below or [{**root, "description": described.question}]
    text: str = yaml.dump({"tree": tree}, Dumper=_Plain, sort_keys=False, allow_unicode=True)
    return text


class _Plain(yaml.SafeDumper):
    """YAML without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _entry(nodes: tuple[Node, ...], node: Node, depth: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": node.id,
        "type": node.type,
        "title": node.title,
        "support_level": node.support_level,
        "source_refs": list(node.source_refs),
        **node.fields,
    }
    if node.also_depends_on:
        entry["also_depends_on"] = list(node.also_depends_on)
    if node.type != "dead_end" and (children := [_entry(nodes, n, depth + 1) for n in nodes if n.parent == node.id]):
        entry["children"] = children
    return entry
