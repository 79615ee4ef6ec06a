"""The manifest: the machine-actionable half of a package."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from evidentia.workspace.canonical import canonical
from evidentia.workspace.estimators import interval
from evidentia.workspace.records import Branch, Record, Row, Sha256, Value

CATEGORIES = {"attention": "cs.LG", "caching": "cs.PF", "search": "cs.DS", "quantization": "cs.LG", "serving": "cs.DC"}
CELL_CONFIDENCE = 0.95


class CellResult(Record):
    """One metric of one system in one cell: what tables and curves show."""

    system: str
    conditions: dict[str, Value]
    n: int
    mean: float
    sd: float | None
    ci: tuple[float, float] | None


class EntryPoint(Record):
    """A script that can be run again, with the evidence of the first time."""

    id: str
    script: str
    evidence: str
    role: str
    outputs: tuple[str, ...]


class Manifest(Record):
    """All that a program needs to know of a package. `files` names every other file with its SHA-256."""

    schema_version: Literal["package/1"] = Field("package/1", alias="schema")
    id: str
    version: int = Field(ge=1)
    title: str
    question: str
    abstract: str
    outcome: Literal["supported", "refuted", "null", "crashed"]
    category: str
    tags: tuple[str, ...]
    run: str
    created: str
    mind: str
    generator: str
    licence: str = "Apache-2.0 for code, CC-BY-4.0 for text and data"
    unit: str
    branch: Branch
    claims: tuple[dict[str, Any], ...]
    results: tuple[CellResult, ...]
    entry_points: tuple[EntryPoint, ...]
    templates: dict[str, Sha256]
    files: dict[str, Sha256]

    def to_bytes(self) -> bytes:
        """The text of ``manifest.json``: canonical JSON and a newline."""
        return canonical(self.to_json()) + b"\n"


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of ``manifest.json``."""
    return Manifest.model_json_schema(by_alias=True)


def summarise(branch: Branch, rows: Sequence[Row]) -> tuple[CellResult, ...]:
    """Mean and 95 % t interval of the metric per registered cell, over the rows of its measurements."""
    hypothesis = branch.hypothesis
    found = []
    for cell in hypothesis.cells:
        values = [
            float(r[hypothesis.metric])
            for r in rows
            if r["system"] == cell.system and all(r.get(k) == v for k, v in cell.conditions.items())
        ]
        if not values:
            continue
        mean, low, high, sd = interval(values, CELL_CONFIDENCE)
        ci = (low, high) if math.isfinite(low) and math.isfinite(high) else None
        found.append(CellResult(system=cell.system, conditions=cell.conditions, n=len(values), mean=mean, sd=sd, ci=ci))
    return tuple(found)
