"""Tools that read: claims, cards, evidence, the frontier of a run, tensions, lessons."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from evidentia.hub.journals import OpenHypothesis
from evidentia.hub.mcp.answers import Answer, Server, quoted
from evidentia.hub.reading.claims import FoundClaim
from evidentia.hub.reading.evidence import Stream, read_lines
from evidentia.hub.reading.located import package_dir, read_manifest
from evidentia.workspace.home import Workspace

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
MOST, MOST_LINES = 50, 200
Package = Annotated[str, Field(max_length=220, description="A package's whole id, or ID@v1.")]
Search = Annotated[str, Field(max_length=300, description="Words, beginnings (cach*) or “phrases in double quotes”.")]
Short = Annotated[str, Field(max_length=100)]
Limit = Annotated[int, Field(ge=1, le=MOST)]
Offset = Annotated[int, Field(ge=0, le=10_000_000)]


class Claims(Answer):
    """Claims found; `total` counts all of them."""

    total: int
    claims: list[FoundClaim]


class Card(Answer):
    """A package in at most 400 tokens."""

    package: str
    version: int
    card: str


class Evidence(Answer):
    """Lines of one file of a package; go on with `next`, null at the end."""

    package: str
    version: int
    file: str
    first: int
    last: int
    total: int
    next: int | None
    lines: tuple[str, ...]


class Frontier(Answer):
    """What is open in a run, the most promising first."""

    run: str
    question: str
    total: int
    open: list[OpenHypothesis]


class Disagreement(BaseModel):
    """Two claims that do not agree, the conditions in which they differ, and what explains them, if anything does."""

    id: str
    kind: str = Field(alias="class")
    state: str
    claims: list[str]
    values: list[float | None]
    units: list[str]
    conditions_differing: list[str]
    reason: str
    explained_by: str
    explanation: str


class Tensions(Answer):
    """Tensions found; `total` counts all of them."""

    total: int
    tensions: list[Disagreement]


class DeadEnd(BaseModel):
    """What did not work, why, and what to know."""

    package: str
    version: int
    family: str
    hypothesis: str
    failure_mode: str
    lesson: str


class Lessons(Answer):
    """Lessons found; `total` counts all of them."""

    total: int
    lessons: list[DeadEnd]


def add_reading(server: Server, workspace: Workspace) -> None:
    """Add the tools that read."""

    @server.tool(annotations=READS)
    def search_claims(
        search: Search = "",
        status: Literal["supported", "refuted", "inconclusive", ""] = "",
        metric: Short = "",
        system: Short = "",
        package: Annotated[str, Field(max_length=220)] = "",
        limit: Limit = 10,
        offset: Offset = 0,
    ) -> Annotated[CallToolResult, Claims]:
        """Find claims of all packages by words, status, metric, system or package: each with value and interval."""
        from evidentia.hub.reading.findings import Wanted, find_claims

        total, found = find_claims(workspace, Wanted(search, package, status, metric, system), limit, offset)
        return quoted(Claims(total=total, claims=[FoundClaim(**item) for item in found]))

    @server.tool(annotations=READS)
    def package_card(package: Package) -> Annotated[CallToolResult, Card]:
        """A package in at most 400 tokens: outcome, question, claims with intervals, dead end, rung."""
        return quoted(card_of(workspace, package))

    @server.tool(annotations=READS)
    def read_evidence(
        package: Package,
        evidence: Annotated[str, Field(max_length=64, description="E01, or the SHA-256 that a claim names.")] = "E01",
        stream: Stream = "rows",
        first: Annotated[int, Field(ge=1, le=100_000_000, description="The first line, from 1.")] = 1,
        count: Annotated[int, Field(ge=1, le=MOST_LINES, description="How many lines.")] = 50,
    ) -> Annotated[CallToolResult, Evidence]:
        """Lines of an experiment's recorded rows (JSON), of what its script printed, or of the script itself."""
        path = package_dir(workspace, package)
        found = read_lines(path, read_manifest(path), evidence, stream, first, count)
        told = {n: getattr(found, n) for n in ("file", "first", "last", "total", "next", "lines")}
        return quoted(Evidence(package=path.parent.name, version=int(path.name[1:]), **told))

    @server.tool(annotations=READS)
    def frontier(
        run: Annotated[str, Field(max_length=120, description="A run's name; empty for the newest.")] = "",
        limit: Limit = 20,
    ) -> Annotated[CallToolResult, Frontier]:
        """What is open in a run: registered hypotheses that nobody has tested yet, the most promising first."""
        from evidentia.errors import BadInputError
        from evidentia.hub.journals import journal, open_hypotheses

        names = workspace.run_names()
        if not run and not names:
            raise BadInputError("there are no runs in this workspace yet; `evidentia run` makes one")
        name = run or names[-1]
        found = journal(workspace, name)
        waiting = open_hypotheses(found)
        question = found.brief.question if found.brief else ""
        shown = [OpenHypothesis(**item) for item in waiting[:limit]]
        return quoted(Frontier(run=name, question=question, total=len(waiting), open=shown))

    @server.tool(annotations=READS)
    def tensions(
        state: Literal["open", "explained", "unexplained", ""] = "", limit: Limit = 20, offset: Offset = 0
    ) -> Annotated[CallToolResult, Tensions]:
        """Claims of different packages that do not agree, and the conditions in which they differ."""
        from evidentia.hub.tensions import detect

        found = [item for item in detect(workspace).items if state in ("", item["state"])]
        shown = [Disagreement.model_validate(item) for item in found[offset : offset + limit]]
        return quoted(Tensions(total=len(found), tensions=shown))

    @server.tool(annotations=READS)
    def lessons(search: Search = "", limit: Limit = 10, offset: Offset = 0) -> Annotated[CallToolResult, Lessons]:
        """Dead ends of earlier work: what was thought, how it failed, what to know. Look here before planning."""
        from evidentia.hub.reading.findings import Wanted, find_lessons

        total, found = find_lessons(workspace, Wanted(search), limit, offset)
        return quoted(Lessons(total=total, lessons=[DeadEnd(**item) for item in found]))


def card_of(workspace: Workspace, package: str) -> Card:
    """The card of a package of the workspace. Raises BadInputError when there is none."""
    from evidentia.hub.ranking import find_packages
    from evidentia.hub.reading.card import card
    from evidentia.workspace.index import Facets

    path = package_dir(workspace, package)
    _, found = find_packages(workspace, Facets(package=path.parent.name), 1)
    listed = found[0] if found and f"v{found[0]['version']}" == path.name else None
    text = card(read_manifest(path), listed)
    return Card(package=path.parent.name, version=int(path.name[1:]), card=text)
