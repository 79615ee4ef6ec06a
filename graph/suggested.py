"""Reading what people suggest: the run's mind turns their words into a hypothesis, registered before its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidentia.agents.brief import for_suggestion
from evidentia.agents.minds.protocol import Context, Mind
from evidentia.agents.suggestions import on_fresh_seeds, read_suggestion, same_test
from evidentia.errors import EvidentiaError
from evidentia.graph.journal import Journal
from evidentia.workspace.records import Hypothesis

if TYPE_CHECKING:
    from evidentia.graph.steps import Steps


def read_in(journal: Journal, mind: Mind, statement: str, where: dict[str, Any], experiments_left: int) -> Hypothesis:
    """What the mind reads in a person's words. Raises EvidentiaError, BadInputError where they mean nothing here."""
    assert journal.brief is not None
    context = Context(
        brief=for_suggestion(journal.brief, statement, where),
        literature=journal.citations,
        registered=(),
        findings=(),
        experiments_left=experiments_left,
        fresh=(),
        known=(),
        world=journal.world,
    )
    found = read_suggestion(mind, context)
    return on_fresh_seeds(found, journal.people.suggestions) if journal.experiments else found


def known_as(journal: Journal, hypothesis: Hypothesis) -> str | None:
    """The open hypothesis that tests the same already, or None."""
    return next((n for n in journal.frontier.open if same_test(journal.branches[n].hypothesis, hypothesis)), None)


def read_suggestions(steps: Steps) -> None:
    """Register what people have suggested since the last time; each suggestion once, also over a crash."""
    journal = steps.journal
    for ticket, made in list(journal.people.unread.items()):
        if steps.ledger.no_more_thinking():
            return
        names, because = [], ""
        try:
            if ticket in journal.people.registered:
                names = [journal.people.registered[ticket]]
            else:
                found = read_in(journal, steps.mind, made["statement"], made["where"], steps.ledger.experiments_left)
                known = known_as(journal, found) or (found.id if found.id in journal.branches else None)
                if known is None:
                    steps.register(found, "", suggestion=ticket, provenance="user", by=made["by"])
                elif journal.branches[known].over:
                    because = f"{journal.tree.node_of[known]} has tested the same"
                else:
                    because = f"{journal.tree.node_of[known]} tests the same already"
                names = [known or found.id]
        except EvidentiaError as error:
            because = str(error)
        told = {"suggestion": ticket, "hypotheses": names, "because": because}
        steps.notice("suggestion.read", told, f"ideation/{steps.mind.name}")
