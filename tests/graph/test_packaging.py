"""What packages credit: the papers of their related work that the workspace holds, and the packages they follow."""

from __future__ import annotations

from pathlib import Path

from evidentia.agents.brief import Brief
from evidentia.agents.literature.paper import Paper
from evidentia.graph.replay import journal_of
from evidentia.graph.running import start
from evidentia.hub.imports.paper import import_paper
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import open_workspace
from evidentia.workspace.ledger import standings
from evidentia.workspace.package.papers import paper_digits, papers_held


def record_of(arxiv: str, title: str) -> Paper:
    return Paper(
        key=f"arxiv:{arxiv}",
        title=title,
        abstract="We round weights. It is 2.5 times faster than the baseline.",
        authors=("Ada Lovelace",),
        year=2022,
        published="2022-11-03",
        arxiv=arxiv,
        version=1,
        categories=("cs.LG",),
        service="arXiv",
    )


def test_a_package_cites_the_imported_papers_of_its_related_work_and_no_others(
    tmp_path: Path, small_brief: Brief
) -> None:
    probe = open_workspace(tmp_path / "probe", create=True)
    small = small_brief.model_copy(update={"budget": small_brief.budget.model_copy(update={"max_experiments": 4})})
    found = journal_of(probe, start(probe, small).run).citations
    cited = next(c for c in found if c.arxiv)

    workspace = open_workspace(tmp_path / "w", create=True)
    for arxiv, title in ((cited.arxiv, cited.title), ("0704.0001", "Of something else")):
        import_paper(workspace, record_of(arxiv, title), raw=b"<feed/>", url="http://h", retrieved="2026-01-01")
    known = papers_held(workspace, {c.arxiv for c in found})
    assert list(known) == [cited.arxiv]
    assert known[cited.arxiv].endswith(paper_digits(cited.arxiv))

    run = journal_of(workspace, start(workspace, small).run)
    told = [e.payload for e in read_events(workspace.ledger_path) if e.kind == "package.cited"]
    made = [b.package for b in run.branches.values() if b.package]
    assert sorted(t["source"]["package"] for t in told) == sorted(made)
    assert made
    assert {(t["package"], t["place"]) for t in told} == {(known[cited.arxiv], f"related work, arXiv:{cited.arxiv}")}
    assert standings(workspace)[known[cited.arxiv]].credits
