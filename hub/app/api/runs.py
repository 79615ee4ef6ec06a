"""Runs: what was asked, every event of the log, the exploration tree, what is open, and a person's notes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel

from evidentia.hub.app.api.answers import MOST, Limit, Offset, Page, page_of, router
from evidentia.hub.app.session import Home
from evidentia.hub.journals import OpenHypothesis, journal, open_hypotheses, summary
from evidentia.hub.reading.logs import events_of
from evidentia.workspace.records import Event

routes = router("Runs", "/runs")
Run = Annotated[str, Path(max_length=120, description="The whole name of a run.")]


class Summary(BaseModel):
    """A run: its question, whether it has finished, and how far it got."""

    run: str
    question: str
    status: str
    mind: str
    created: str
    nodes: int
    experiments: int
    cpu_seconds: float
    branches: int
    concluded: int


class TreeNode(BaseModel):
    """A node of the exploration tree with what the tree knows of it: status, hypothesis, package, claims."""

    id: str
    type: str
    title: str
    parent: str | None
    also_depends_on: tuple[str, ...]
    support_level: str
    source_refs: tuple[str, ...]
    fields: dict[str, Any]
    attributes: dict[str, Any]


@routes.get("", response_model=Page[Summary])
def every(request: Request, home: Home, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """The runs, newest first by name."""
    names = home.run_names()[::-1]
    found = [summary(home, name) for name in names[offset : offset + limit]]
    return page_of(request, found, len(names), limit, offset)


@routes.get("/{run}", response_model=Summary)
def one(home: Home, run: Run) -> dict[str, Any]:
    """One run."""
    return summary(home, run)


@routes.get("/{run}/events", response_model=Page[Event])
def events(
    request: Request,
    home: Home,
    run: Run,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="The number of the first event.")] = 0,
) -> dict[str, Any]:
    """Events of the log in their order, the chain checked; `offset` is the number of the first."""
    found = events_of(home.log_path(run))
    return page_of(request, found[offset : offset + limit], len(found), limit, offset)


@routes.get("/{run}/tree", response_model=Page[TreeNode])
def tree(request: Request, home: Home, run: Run, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """The exploration tree as it is now, its nodes by name."""
    found = journal(home, run).tree
    names = sorted(found.graph.nodes)
    nodes = [
        {**found.node(name).to_json(), "attributes": found.attributes(name)} for name in names[offset : offset + limit]
    ]
    return page_of(request, nodes, len(names), limit, offset)


@routes.get("/{run}/frontier", response_model=Page[OpenHypothesis])
def frontier(request: Request, home: Home, run: Run, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """Hypotheses that are registered and not tested, the most promising first."""
    found = open_hypotheses(journal(home, run))
    return page_of(request, found[offset : offset + limit], len(found), limit, offset)
