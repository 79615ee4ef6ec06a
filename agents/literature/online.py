"""The literature of a question: the bundled bibliography, and, where a person asks for it, arXiv and OpenAlex.

Whatever the network does, the offline result stands; each failure is one sentence in the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidentia.agents.literature import arxiv_api, openalex
from evidentia.agents.literature.cache import Fetched
from evidentia.agents.literature.fetching import Fetcher, FetchError
from evidentia.agents.literature.paper import Paper
from evidentia.agents.literature.rarity import entry_text
from evidentia.agents.literature.search import LEAST_SHARE, bibliography, rank, search
from evidentia.agents.literature.settings import Settings, from_environment
from evidentia.workspace.records import Citation

SERVICES = {arxiv_api.SERVICE: arxiv_api.search, openalex.SERVICE: openalex.search}
"""Where online look-ups ask; one more service is one file with `search` and a line here."""
MOST_ASKED, MOST_TAKEN, MOST_TOLD = 10, 8, 20


@dataclass(frozen=True)
class Literature:
    """What was found: bundled entries first, then papers of the network; `told` says how the network answered."""

    citations: tuple[Citation, ...]
    papers: tuple[Paper, ...] = ()
    answers: tuple[Fetched, ...] = ()
    told: tuple[str, ...] = ()
    online: bool = False

    def to_json(self) -> dict[str, Any]:
        """The payload of ``literature.found``; the fields of an online look-up are there only when one was made."""
        offline = {"citations": [c.to_json() for c in self.citations]}
        if not self.online:
            return offline
        return {
            **offline,
            "papers": [p.to_json() for p in self.papers],
            "answers": [{"url": a.url, "retrieved": a.retrieved, "sha256": a.sha256} for a in self.answers],
            "told": list(self.told),
        }


def papers_of(payload: dict[str, Any]) -> tuple[Paper, ...]:
    """The papers that a ``literature.found`` event holds; none in that of an offline look-up."""
    return tuple(Paper.model_validate(p) for p in payload.get("papers", ()))


def look_up(
    question: str,
    *,
    online: bool = False,
    folder: Path | None = None,
    settings: Settings | None = None,
    fetcher: Fetcher | None = None,
) -> Literature:
    """The literature near a question. No request is made unless `online`.

    `folder` keeps the answers of services; `settings` are those of the environment where None. Raises BadInputError
    for an unusable setting only: a service that fails costs its papers and adds a sentence.
    """
    offline = tuple(search(question))
    if not online:
        return Literature(offline)
    asking = fetcher or Fetcher(settings or from_environment(), folder)
    found: list[Paper] = []
    answers: list[Fetched] = []
    told: list[str] = []
    for service, ask in SERVICES.items():
        try:
            papers, came, left_out = ask(asking, question, MOST_ASKED)
        except FetchError as error:
            told.append(f"{service} was left out: {error}; the bundled bibliography stands.")
            continue
        found += papers
        answers += came
        told += [f"{service} named {len(papers)} papers.", *(f"{line}." for line in left_out)]
    taken = _nearest(question, _new(found))
    told.append(f"{len(taken)} of the papers named are near the question and not in the bundled bibliography.")
    citations = tuple(paper.cited(score) for paper, score in taken)
    return Literature(
        citations=offline + citations,
        papers=tuple(paper for paper, _ in taken),
        answers=tuple(answers),
        told=(*told[: MOST_TOLD - 1], told[-1]) if len(told) > MOST_TOLD else tuple(told),
        online=True,
    )


def _new(papers: Iterable[Paper]) -> list[Paper]:
    """The papers that neither the bundled bibliography nor an earlier one of them holds."""
    seen = {key for e in bibliography().values() for key in (e["arxiv"], _plain(e["title"])) if key}
    kept = []
    for paper in papers:
        marks = {paper.arxiv, paper.doi, _plain(paper.title)} - {""}
        if not marks & seen:
            kept.append(paper)
        seen |= marks
    return kept


def _nearest(question: str, papers: list[Paper]) -> list[tuple[Paper, float]]:
    """The papers nearest to the question by BM25, scored among the bundled entries."""
    known = {paper.key: paper for paper in papers}
    bundled = {key: entry_text(key) for key in bibliography()}
    texts = {key: f"{paper.title} {paper.abstract}" for key, paper in known.items()}
    ranked = [(known[key], score) for key, score in rank(question, {**bundled, **texts}) if key in known]
    least = max(1e-9, LEAST_SHARE * ranked[0][1]) if ranked else 0.0
    return [(paper, score) for paper, score in ranked[:MOST_TAKEN] if score >= least]


def _plain(title: str) -> str:
    return "".join(c for c in title.lower() if c.isalnum())
