"""What a package is made of, read out of the journal, and whom it credits."""

from __future__ import annotations

from collections.abc import Mapping

from evidentia.agents.minds.protocol import Mind
from evidentia.graph.branch import Branch
from evidentia.graph.journal import Journal
from evidentia.workspace import records
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import record
from evidentia.workspace.ledger_events import BuiltOn, Cited, Source
from evidentia.workspace.package.store import package_versions


def material_of(journal: Journal, mind: Mind, branch: Branch) -> records.Branch:
    """A concluded branch as the compiler takes it."""
    assert branch.outcome is not None
    assert journal.brief is not None
    node = journal.tree.node_of[branch.id]
    path = journal.tree.path(node)
    dead_ends = [journal.tree.node(c) for c in journal.tree.children(node) if c == f"{node}x"]
    works = [journal.tree.node(name) for name in journal.tree.works(node)]
    return records.Branch(
        run=journal.log.run,
        question=journal.brief.question,
        created=journal.log.events[branch.seqs[-1]].time,
        mind=mind.name,
        hypothesis=branch.hypothesis,
        outcome=branch.outcome,
        runs=tuple(branch.runs()),
        claims=branch.claims,
        attacks=branch.attacks or (),
        reviews=(branch.review,) if branch.review else (),
        citations=journal.citations,
        dead_end=branch.dead_end,
        path=(*path, *dead_ends),
        siblings=tuple(works),
        figure=branch.figure_style,
        limits=(*mind.limits(branch.hypothesis, branch.claims), *_cut_short(branch)),
        contributors=journal.people.contributors(branch.id),
    )


def _cut_short(branch: Branch) -> list[str]:
    """What a reader must know of a branch that a person pruned while it was measured."""
    told = branch.cut_short
    return [f"Measuring was stopped early: this branch was pruned by {told}."] if told else []


def credit(workspace: Workspace, journal: Journal, branch: Branch, source: Source, papers: Mapping[str, str]) -> None:
    """A follow-up is built on what its parent found, whatever that was, and a package cites the papers of its related
    work, where the workspace holds them: `papers` are their packages by identifier. Saying so twice counts once."""
    parent = journal.branches.get(branch.hypothesis.parent or "")
    if parent is not None and parent.package is not None:
        version = package_versions(workspace.packages / parent.package)[-1]
        built = BuiltOn(package=parent.package, version=version, source=source, place="follow-up")
        record(workspace, built, "compilation")
    for arxiv, package in papers.items():
        if versions := package_versions(workspace.packages / package):
            cited = Cited(package=package, version=versions[-1], source=source, place=f"related work, arXiv:{arxiv}")
            record(workspace, cited, "compilation")
