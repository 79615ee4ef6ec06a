"""Evolutionary islands (as FunSearch, Romera-Paredes et al. 2024, keeps programs): a few populations that evolve by
themselves, so that one early success does not take the whole budget. A branch belongs to the island of the draft it
descends from; now and then the worst island is given up for a new draft."""

from __future__ import annotations

import random
from collections.abc import Sequence

from evidentia.graph.frontier import ROOT, Candidate, Frontier, Place
from evidentia.graph.policies import Choice

ISLANDS = 4
TOURNAMENT = 3
MIGRATION = 0.1


class Islands:
    """Islands take turns by chance; on an island the winner of a small tournament is followed up."""

    name = "islands"

    def choose(self, frontier: Frontier, stages: Sequence[str], chance: random.Random) -> Choice | None:
        """A child of a tournament's winner on one island; a new draft where an island has none, or by migration."""
        draft = frontier.below(ROOT, stages)
        drafts = frontier.places[ROOT].taken_children
        if draft and (len(drafts) < ISLANDS or chance.random() < MIGRATION):
            return Choice(draft, f"a new draft for island {len(drafts) % ISLANDS + 1}")
        if drafts:
            number = chance.randrange(ISLANDS)
            members = drafts[number::ISLANDS][-TOURNAMENT * ISLANDS :]
            found = _evolved(frontier, stages, members, chance)
            if found:
                return Choice(found, f"the fittest of a tournament on island {number + 1}")
        found = draft or frontier.any(stages, chance)
        return Choice(found, "no island has a follow-up; a new draft") if found else None


def _evolved(
    frontier: Frontier, stages: Sequence[str], members: Sequence[str], chance: random.Random
) -> Candidate | None:
    """Walk down from the fittest of a few members until one has an open child."""
    while members:
        drawn = chance.sample(list(members), min(TOURNAMENT, len(members)))
        winner = max(drawn, key=lambda m: (_fitness(frontier.places[m]), m))
        found = frontier.below(winner, stages)
        if found:
            return found
        members = frontier.places[winner].taken_children[-TOURNAMENT * ISLANDS :]
    return None


def _fitness(place: Place) -> float:
    """Decided claims by experiment, of the branch and all below it."""
    return place.tally.decided / max(1, place.tally.experiments)
