"""The texts of a package: every template filled from the material."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from evidentia.agents.compilation.cards import concepts, parameters
from evidentia.agents.compilation.material import Material, lower
from evidentia.agents.wording import listed, number, told, words
from evidentia.kernels import registry
from evidentia.prompts import names, render, version
from evidentia.workspace.package.manifest import CELL_CONFIDENCE, CellResult
from evidentia.workspace.quantities import figure as digits
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Citation, Claim

FOLDER, PERSONS_FOLDER = "compilation", "capture"
"""The templates of a package; those of a person's run stand in for the ones of the same name."""


class Texts:
    """Renders templates over one branch's material."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self._own = names(PERSONS_FOLDER) if material.by_person else []
        self._shared = self._data()

    @property
    def versions(self) -> dict[str, str]:
        """The version of every template that may be used, by name."""
        return {name: version(name) for name in (*names(FOLDER), *self._own)}

    def of(self, name: str, **more: Any) -> str:
        """The text of a template; `more` is what only it needs."""
        own = f"{PERSONS_FOLDER}/{name}"
        return render(own if own in self._own else f"{FOLDER}/{name}", **{**self._shared, **more})

    def _data(self) -> dict[str, Any]:
        m, b, h = self.material, self.material.branch, self.material.branch.hypothesis
        baseline = next((c.baseline for c in b.claims if c.baseline), "") or (
            h.systems[-1] if h.systems[1:] else "none"
        )
        return {
            "b": b,
            "day": b.created[:10],
            "mind": "the built-in planner (not a language model)" if b.mind == "builtin" else f"the mind {b.mind}",
            "entries": m.entries,
            "results": m.results,
            "varied": h.varied,
            "unit": m.metric.unit,
            "tags": m.tags,
            "abstract": m.abstract,
            "figure": m.drawing,
            "baseline": baseline,
            "expected": f"{words(h.metric)}: {lower(re.sub(r'[0-9][0-9.,]*', '…', h.statement))}",
            "insight": m.abstract if b.outcome == "supported" or not b.dead_end else b.dead_end.lesson,
            "cell_confidence": CELL_CONFIDENCE,
            "concepts": concepts(h),
            "parameters": parameters(h),
            "claim_ids": ", ".join(c.id for c in b.claims) or "none",
            "all_sources": ", ".join(e["id"] for e in m.entries),
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
            "span_of": span,
            "cell": lambda text: text.replace("|", "\\|"),
            "yaml": lambda text: json.dumps(text, ensure_ascii=False),
        }

    def _sources(self, claim: Claim) -> str:
        found = [f"`evidence/rows/{e['id']}.jsonl` from `{e['script']}`" for e in self.material.entries_of(claim)]
        return "; ".join(found) or "no rows"

    def _proofs(self, claim: Claim) -> str:
        return ", ".join(e["id"] for e in self.material.entries_of(claim))

    def _relation(self, citation: Citation) -> str:
        h = self.material.branch.hypothesis
        papers = {registry.kernel(h.family, s).paper.title for s in h.systems}
        return "imports" if citation.title in papers else "bounds"

    def _adopted(self, citation: Citation) -> str:
        h = self.material.branch.hypothesis
        used = [s for s in h.systems if registry.kernel(h.family, s).paper.title == citation.title]
        return f"the mechanism of {listed(used)}" if used else "none"


def _seeds(seeds: Sequence[int]) -> str:
    if not seeds:
        return "none"
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])


def span(result: CellResult) -> str:
    """The interval of a cell as a table says it."""
    return f"[{digits(result.ci[0])}, {digits(result.ci[1])}]" if result.ci else "–"
