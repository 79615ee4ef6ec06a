"""What the brief states itself, as hypotheses: registered as it stands, whoever plans, before what a mind thinks of."""

from __future__ import annotations

from collections.abc import Iterator

from evidentia.agents.minds.protocol import Context
from evidentia.workspace.records import Hypothesis


def stated(context: Context) -> Iterator[Hypothesis]:
    """At first every claim of the brief that waits for no other; later those that ask why one did not hold, on seeds
    that no earlier hypothesis saw."""
    brief = context.brief
    if not brief.claims:
        return
    from evidentia.agents.minds.builtin.forms.stated import draft, propose, waiting
    from evidentia.agents.minds.builtin.reading import read

    for reading in read(brief):
        if not context.registered:
            yield from propose(reading)
        for finding in context.news:
            named, outcome = finding.hypothesis.stated, finding.outcome
            if named and outcome != "supported":
                for claim in waiting(reading, named):
                    trigger = f"“{named}” is {outcome}"
                    yield draft(reading, claim).following(finding.hypothesis.id, trigger, 1).finish()
