"""A paper's record from arXiv as a package: title, abstract, and the claims its abstract states, all attested.

Attested means: the authors say so, and nothing was checked here. A record holds nothing to run, so the package earns
level 1 and no more. The raw answer of the service lies in it, with its hash, address and time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol

from evidentia.errors import BadInputError
from evidentia.hub.imports.abstract import attested
from evidentia.hub.imports.described import UNKNOWN_DATE, Described, import_described, slug, stated_claim
from evidentia.hub.imports.layout import ara_files
from evidentia.hub.imports.outside import plain
from evidentia.hub.imports.receipt import Receipt
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.papers import PAPER_FORM, paper_digits
from evidentia.workspace.package.store import package_versions
from evidentia.workspace.records import Node

KIND = "attested"
RECORD, RAW, ORIGIN = "imported/paper.json", "imported/answer.xml", "imported/provenance.json"
CLAIMS = "logic/claims.md"
NO_CLAIMS = b"# Claims\n\nNone: no sentence of the abstract states both a figure and a comparison.\n"
MOST_ABSTRACT = 10_000
METADATA_LICENCE = "CC0-1.0"
"""What arXiv's terms of use for its interface grant for the metadata, abstracts included; the paper has its own."""
NOTE = "attested: the authors' abstract states it; nothing decided it here"
CATEGORY = re.compile(r"[a-z-]{2,12}(?:\.[A-Za-z-]{2,20})?")


class PaperRecord(Protocol):
    """What is taken over of a paper. `licence` is empty where none is stated; `published` is a day or empty."""

    @property
    def arxiv(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def abstract(self) -> str: ...
    @property
    def authors(self) -> tuple[str, ...]: ...
    @property
    def year(self) -> int: ...
    @property
    def published(self) -> str: ...
    @property
    def licence(self) -> str: ...
    @property
    def doi(self) -> str: ...
    @property
    def categories(self) -> tuple[str, ...]: ...

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON value."""


def import_paper(workspace: Workspace, paper: PaperRecord, *, raw: bytes, url: str, retrieved: str) -> Receipt:
    """Write the package of a paper, or its next version where the record says something else than the latest.

    `raw` is the service's answer the record was read from, `url` its address, `retrieved` when it was asked (UTC).
    Raises BadInputError when the disk refuses, or when the record cannot be read as a package.
    """
    if not plain(paper.title) or not plain(paper.abstract):
        raise BadInputError(f"arXiv:{paper.arxiv} has no title or no abstract; there is nothing to import")
    record = canonical(paper.to_json()) + b"\n"
    held = _held(workspace, paper, record)
    if held is None:
        origin = {"service": "arXiv", "url": url, "retrieved": retrieved, "sha256": sha256(raw), "bytes": len(raw)}
        held = {RECORD: record, RAW: raw, ORIGIN: canonical(origin) + b"\n"}
    return import_described(workspace, _described(paper, held))


def _identity(paper: PaperRecord) -> tuple[str, ...]:
    return (paper.arxiv,)


def _held(workspace: Workspace, paper: PaperRecord, record: bytes) -> dict[str, bytes] | None:
    """The files of the latest version if it has this very record: arXiv's answers differ in their time alone, and a
    paper that says the same must not become a new version."""
    home = workspace.packages / f"{slug(plain(paper.title, 300))}-{paper_digits(paper.arxiv)}"
    versions = package_versions(home)
    if not versions:
        return None
    try:
        files = {name: (home / f"v{versions[-1]}" / name).read_bytes() for name in (RECORD, RAW, ORIGIN)}
        whole = json.loads(files[ORIGIN])["sha256"] == sha256(files[RAW])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files if whole and files[RECORD] == record else None


def _described(paper: PaperRecord, held: dict[str, bytes]) -> Described:
    """The record in the terms of an import."""
    name = _name(paper.arxiv, paper.version)
    abstract = plain(paper.abstract, MOST_ABSTRACT)
    claims = tuple(
        stated_claim(f"C{i:02d}", plain(sentence), "inconclusive", kind=KIND).model_copy(update={"note": NOTE})
        for i, sentence in enumerate(attested(abstract), start=1)
    )
    described = Described(
        source=name,
        form=PAPER_FORM,
        identity=_identity(paper),
        title=plain(paper.title, 300),
        question=plain(paper.title, 300),
        abstract=abstract,
        created=_created(paper),
        category=next((c for c in paper.categories if CATEGORY.fullmatch(c)), "unclassified"),
        tags=(KIND, "paper"),
        licence=METADATA_LICENCE,
        authors=tuple(n for a in paper.authors if (n := plain(a, 200))),
        falsification="None is stated; each claim is a sentence of the abstract, which an experiment can contradict.",
        claims=claims,
        nodes=(_root(plain(paper.title, 300), name),),
        citations=(),
        files={},
        unmapped=tuple(told_lines(paper.to_json(), json.loads(held[ORIGIN]), len(claims))),
    )
    return ara_files(described, held if claims else {**held, CLAIMS: NO_CLAIMS})


def told_lines(record: Mapping[str, Any], origin: Mapping[str, Any], claims: int) -> list[str]:
    """What ``IMPORT.md`` says of a record, its provenance and the number of its claims."""
    name = _name(record["arxiv"], record["version"])
    licence = plain(record["licence"], 100) or "not stated by arXiv's query interface; see the paper's page at arXiv"
    return [
        f"the record is of {name}, read at {origin['retrieved']} from {origin['url']}; its raw bytes are in {RAW}, "
        f"SHA-256 {origin['sha256']}",
        f"the licence of the paper itself: {licence}; what is here is its metadata, {METADATA_LICENCE}",
        "the paper's text, tables and figures were not fetched; only what the abstract says is here",
        *(f"C{i:02d}: attested; metric, system, value and conditions are not data" for i in range(1, claims + 1)),
        *([] if claims else ["no sentence of the abstract states both a figure and a comparison: there is no claim"]),
    ]


def _name(arxiv: str, version: int) -> str:
    return f"arXiv:{arxiv}" + (f"v{version}" if version else "")


def _root(title: str, name: str) -> Node:
    """The one node of a record's tree."""
    fields = {"description": title}
    return Node(
        id="N00",
        type="question",
        title=title,
        parent=None,
        support_level="inferred",
        source_refs=(name,),
        fields=fields,
    )


def _created(paper: PaperRecord) -> str:
    try:
        day = date.fromisoformat(paper.published)
    except ValueError:
        return f"{paper.year:04d}-01-01T00:00:00.000+00:00" if paper.year else UNKNOWN_DATE
    return datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat(timespec="milliseconds")
