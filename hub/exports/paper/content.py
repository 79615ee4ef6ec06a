"""The paper of a package: all its sections, in order."""

from __future__ import annotations

from evidentia.hub.exports.paper import asked, found, traced
from evidentia.hub.exports.paper.document import Paper, line, strong
from evidentia.hub.exports.paper.reading import Source
from evidentia.hub.exports.paper.wording import day, planner, words


def paper(source: Source) -> Paper:
    """The content of the paper; every number in it is rendered from the manifest or the log's slice."""
    manifest = source.manifest
    sections = (
        asked.asked(source),
        asked.method(source),
        found.results(source),
        found.attacks(source),
        found.dead_ends(source),
        found.limits(source),
        traced.again(source),
        traced.environment(source),
        traced.provenance(source),
        found.references(source),
    )
    name = f"{manifest.id}@v{manifest.version}"
    return Paper(
        title=manifest.title,
        authors=(f"Evidentia, planned by {planner(manifest.mind)}",),
        keywords=tuple(words(tag) for tag in manifest.tags[:20]),
        date=day(manifest.created),
        kicker=line("Research package · ", manifest.category, " · ", strong(found.SIGN[manifest.outcome])),
        byline=line(f"Planned by {planner(manifest.mind)} · {day(manifest.created)} · version {manifest.version}"),
        abstract=found.summary(source),
        sections=tuple(section for section in sections if section),
        foot=name if len(name) <= 80 else name[:80] + "…",
    )
