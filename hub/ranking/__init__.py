"""Ranking packages by attention: integer milli-points that anyone can recompute from the ledger."""

from evidentia.hub.ranking.formula import Score, Share, attention, score
from evidentia.hub.ranking.listing import count_facets, find_lessons, find_packages, list_packages
from evidentia.hub.ranking.uses import record_uses
from evidentia.hub.ranking.why import explain

__all__ = [
    "Score",
    "Share",
    "attention",
    "count_facets",
    "explain",
    "find_lessons",
    "find_packages",
    "list_packages",
    "record_uses",
    "score",
]
