"""The arena: people say which of two blinded packages is better; strengths with intervals come of it."""

from evidentia.hub.arena.pairs import choose
from evidentia.hub.arena.strengths import Strength, strengths
from evidentia.hub.arena.votes import ANSWERS, REASONS, Vote, cast, votes

__all__ = ["ANSWERS", "REASONS", "Strength", "Vote", "cast", "choose", "strengths", "votes"]
