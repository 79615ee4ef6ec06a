"""AttentionHub's `discovery.json`, alone or in its folder, as a package with a plain ARA layout made from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from evidentia.errors import BadInputError
from evidentia.hub.imports.archive import name_fault
from evidentia.hub.imports.described import UNKNOWN_DATE, Described, import_described, stated_claim
from evidentia.hub.imports.layout import ara_files
from evidentia.hub.imports.outside import LARGEST, plain, read_folder, read_object
from evidentia.hub.imports.receipt import Receipt
from evidentia.hub.imports.tree import read_nodes
from evidentia.workspace.canonical import sha256
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import Citation, Claim, Status
from evidentia.workspace.units import dimension

FORM, FILE, ASIDE = "a discovery.json", "discovery.json", "imported/"
SCHEMA = "attentionhub/discovery@"
REQUIRED: dict[str, type] = {
    "schema": str,
    "profile": str,
    "slug": str,
    "title": str,
    "abstract": str,
    "contributors": list,
    "claims": list,
}
TAKEN = {*REQUIRED, "version", "domain", "concepts", "license", "provenance", "artifacts", "exploration", "relations"}
TEXT = ("metric", "system", "baseline", "workload")
STATUSES: tuple[Status, ...] = ("supported", "refuted", "inconclusive")
MOST_CLAIMS = 1000


def import_discovery(workspace: Workspace, path: Path) -> Receipt:
    """Take in a ``discovery.json``, or a folder with one and its artifacts.

    Raises BadInputError naming the field when it is none.
    """
    return import_described(workspace, read_discovery(path))


def read_discovery(path: Path) -> Described:
    """What a ``discovery.json`` says, in our terms."""
    held = read_folder(path) if path.is_dir() else {}
    data = held.pop(FILE) if held else path.read_bytes()
    said = read_object(path, data)
    for field, kind in REQUIRED.items():
        if not isinstance(said.get(field), kind) or not said[field]:
            raise BadInputError(f"{path}: the field {field!r} is missing or no {kind.__name__}; it is no {FILE}")
    if not said["schema"].startswith(SCHEMA):
        raise BadInputError(f"{path}: the schema is {plain(said['schema'], 60)!r}; {SCHEMA}0.1 can be read")
    unmapped: list[str] = []
    claims = [c for i, raw in enumerate(said["claims"][:MOST_CLAIMS], 1) if (c := _claim(f"C{i:02d}", raw, unmapped))]
    nodes, told = read_nodes(said.get("exploration"))
    unmapped += told
    citations = _relations(said.get("relations"), unmapped)
    for field in sorted(said.keys() - TAKEN):
        unmapped.append(f"{plain(field, 60)}: kept in {ASIDE}{FILE}, not read")
    provenance = said.get("provenance") if isinstance(said.get("provenance"), dict) else {}
    created = _created(provenance or {})
    if created == UNKNOWN_DATE:
        unmapped.append("provenance states no date")
    artifacts = _artifacts(said.get("artifacts"), held, unmapped)
    described = Described(
        source=str(path),
        form=FORM,
        identity=(plain(said["slug"], 64),),
        title=plain(said["title"], 300) or "untitled",
        question=plain((provenance or {}).get("question"), 500) or plain(said["title"], 300),
        abstract=plain(said["abstract"], 5000),
        created=created,
        category=plain(said.get("domain"), 60) or "unclassified",
        tags=tuple(t for c in _items(said.get("concepts")) if (t := plain(c, 80))),
        licence=plain(said.get("license"), 100),
        authors=tuple(dict.fromkeys(n for c in said["contributors"] if isinstance(c, dict) and (n := _name(c)))),
        falsification="None is stated; each claim is a value that a re-run can miss.",
        claims=tuple(claims),
        nodes=nodes,
        citations=citations,
        files={},
        unmapped=tuple(unmapped),
    )
    return ara_files(described, {ASIDE + FILE: data, **artifacts})


def _items(value: Any) -> list[Any]:
    return value[:1000] if isinstance(value, list) else []


def _name(contributor: Mapping[str, Any]) -> str:
    return plain(contributor.get("name"), 200)


def _created(provenance: Mapping[str, Any]) -> str:
    for field in ("created", "created_at", "date", "published"):
        text = plain(provenance.get(field), 40)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return f"{text}T00:00:00.000+00:00"
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", text):
            return text.replace("Z", "+00:00")
    return UNKNOWN_DATE


def _claim(name: str, raw: Any, unmapped: list[str]) -> Claim | None:
    """One claim; its value only with a unit that is known, since a guess would make it another number."""
    if not isinstance(raw, dict) or not plain(raw.get("statement")):
        unmapped.append(f"{name}: a claim without a statement; left out")
        return None
    theirs = plain(raw.get("id"), 60) or name
    held = raw.get("structured") if isinstance(raw.get("structured"), dict) else {}
    fields = dict(held or {})
    text = {k: plain(fields.pop(k, ""), 200) for k in TEXT}
    value, unit = _number(fields.pop("value", None)), plain(fields.pop("unit", "1"), 40)
    n, ci, tolerance = fields.pop("n", 0), fields.pop("ci", None), _number(fields.pop("tolerance", 0.0))
    higher = fields.pop("higher_is_better", True)
    try:
        dimension(unit)
    except ValueError:
        if value is not None:
            unmapped.append(f"{theirs}: the unit {unit!r} is not known, so its value {value:g} is left as text")
        value, unit = None, "1"
    if value is None or not text["metric"] or not text["system"]:
        unmapped.append(f"{theirs}: states no value of a metric and a system that could be compared")
    conditions = fields.pop("conditions", {})
    fields |= conditions if isinstance(conditions, dict) else {}
    scalars = {plain(k, 60): found for k, v in fields.items() if plain(k, 60) and (found := _scalar(v)) is not None}
    others = sorted({plain(k, 60) or "without a name" for k in fields} - scalars.keys())
    unmapped += [f"{theirs}: structured.{key} is kept in {ASIDE}{FILE}, not read" for key in others]
    stated = plain(raw.get("status"), 20)
    bounds = [_number(b) for b in _items(ci)]
    return stated_claim(
        name,
        plain(raw["statement"]),
        next((s for s in STATUSES if s == stated), "inconclusive"),
        kind=plain(raw.get("kind"), 40) or "descriptive",
        value=value,
        unit=unit,
        n=n if isinstance(n, int) and not isinstance(n, bool) and 0 <= n < LARGEST else 0,
        ci=(bounds[0], bounds[1]) if len(bounds) == 2 and value is not None and None not in bounds else None,  # type: ignore[arg-type]
        tolerance=abs(tolerance or 0.0),
        conditions=scalars,
        higher_is_better=higher is not False,
        **text,
    )


def _scalar(value: Any) -> str | int | float | bool | None:
    """A value that a condition may have."""
    return value if isinstance(value, bool) else plain(value, 300) if isinstance(value, str) else _number(value)


def _number(value: Any) -> float | None:
    """A finite number of ordinary size."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return None
    return value


def _relations(raw: Any, unmapped: list[str]) -> tuple[Citation, ...]:
    found = []
    for item in _items(raw):
        target = (
            plain(item.get("target") or item.get("arxiv") or item.get("url"), 200) if isinstance(item, dict) else ""
        )
        match = re.search(r"\b(\d{2})(\d{2})\.(\d{4,5})\b", target)
        title = plain(item.get("title"), 300) if isinstance(item, dict) else ""
        if not match or not title:
            unmapped.append(f"the relation to {target or 'nothing named'!r} is kept in {ASIDE}{FILE}, not read")
            continue
        arxiv, note = f"{match[1]}{match[2]}.{match[3]}", plain(item.get("note") or item.get("kind"), 300)
        year = 2000 + int(match[1])
        found.append(Citation(key=arxiv, title=title, authors="", year=year, arxiv=arxiv, note=note, score=0.0))
    return tuple(found)


def _artifacts(raw: Any, held: Mapping[str, bytes], unmapped: list[str]) -> dict[str, bytes]:
    """The files that lie beside the description with the hash it states."""
    found = {}
    for item in _items(raw):
        name = plain(item.get("path") or item.get("url"), 500) if isinstance(item, dict) else ""
        if not name or "://" in name or name_fault(name):
            unmapped.append(f"the artifact {name or 'without a path'!r} lies elsewhere and was not fetched")
        elif name not in held:
            unmapped.append(f"the artifact {name} is not in the folder")
        elif plain(item.get("sha256"), 64) != sha256(held[name]):
            unmapped.append(f"the artifact {name} is not what its SHA-256 says; left out")
        else:
            found[ASIDE + PurePosixPath(name).as_posix()] = held[name]
    return found
