"""Attention: ``A = V + U + H`` in whole milli-points, 0 for a retracted package.

All arithmetic is on integers; ``//`` rounds down. Time is the ledger's, never the clock's.

- ``V = 1000 + 3000 · rung``; a package at which not even level 0 holds counts as at 0.
- ``U = 4000·x // (x + 4000)``, with x the sum over (event type, source lineage) of the best single weight
  ``base · quarters · DECAY[steps % 6] // (4 · 10^6 · 2^(steps // 6))``, where `quarters` is the independence in
  quarters and `steps` the number of whole 30-day spans from the event to `at`: half remains after six.
- ``H = 4·Σ(merit − 500) // (n + 2)``, which is ``4·((Σ merit + 1000)/(n + 2) − 500)``, over the last review of each
  of n people; `merit` is ``1000·Σ(score − 1) // (3·scores)`` over the form's dimensions, each 1 to 4.

U is below 4000 and H below 2000, so use and praise together never outweigh two rungs. U is shared among its events
in proportion to their weights, H by each review's own term, by differences of rounded running sums: the shares add
up to the milli-point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from evidentia.workspace.standing import Credit, Mark, Opinion, Standing, milliseconds

FORMULA = "attention/1"
BASE, PER_RUNG, LIMIT_OF_USE = 1000, 3000, 4000
STEP = 30 * 86_400_000
DECAY = (1_000_000, 890_898, 793_700, 707_106, 629_960, 561_231)
"""``floor(10^6 · 2^(−k/6))`` for k = 0 … 5."""
DIMENSIONS = ("soundness", "evidence", "significance", "reproducibility")


@dataclass(frozen=True)
class Share:
    """What one ledger event adds to one part (V, U or H) of a score, and how that came about."""

    mark: Mark
    part: str
    points: int
    told: str


@dataclass(frozen=True)
class Score:
    """A package's attention by parts, and from when on (milliseconds) decay will have changed it."""

    verification: int
    use: int
    human: int
    retracted: bool
    changes: int | None
    shares: tuple[Share, ...]

    @property
    def total(self) -> int:
        """Attention in milli-points."""
        return 0 if self.retracted else self.verification + self.use + self.human


def attention(standing: Standing, at: int | None = None) -> int:
    """Milli-points of a package at a time in milliseconds, or at the latest event of its ledger."""
    return score(standing, at).total


def score(standing: Standing, at: int | None = None) -> Score:
    """The attention of a package with its parts and the share of every event."""
    now = standing.latest if at is None else at
    verification = _verification(standing)
    use, next_step = _use(standing, now)
    human = _human(standing)
    v, u, h = (sum(share.points for share in part) for part in (verification, use, human))
    shares = [*verification, *use, *human]
    if standing.retracted:
        shares.append(Share(standing.retracted, "–", -(v + u + h), "retracted: nothing counts"))
    return Score(v, u, h, standing.retracted is not None, next_step, tuple(shares))


def merit(review: dict[str, object]) -> int | None:
    """A review's merit from 0 to 1000, or None if it scores no dimension of the form."""
    given = review.get("scores")
    scores = [given[name] for name in DIMENSIONS if name in given] if isinstance(given, dict) else []
    if not scores:
        return None
    return 1000 * sum(min(4, max(1, int(value))) - 1 for value in scores) // (3 * len(scores))


def _verification(standing: Standing) -> list[Share]:
    shares = [Share(standing.published, "V", BASE, f"published as v{standing.version}")]
    if standing.confirmed:
        shares.append(Share(standing.confirmed, "V", PER_RUNG * max(0, standing.rung), f"verified at L{standing.rung}"))
    return shares


def steps(time: str, now: int) -> int:
    """Whole 30-day spans between an event and `now`; an event later than `now` is as fresh as can be."""
    return max(0, now - milliseconds(time)) // STEP


def weight(credit: Credit, now: int) -> int:
    """A use's weight in milli-points after independence and decay."""
    halvings, rest = divmod(steps(credit.time, now), len(DECAY))
    return credit.base * credit.quarters * DECAY[rest] // (4_000_000 << halvings)


def _use(standing: Standing, now: int) -> tuple[list[Share], int | None]:
    """The shares of all uses, in the order of the ledger, and when the next of them decays a step further."""
    credits = sorted(standing.credits.values(), key=lambda credit: credit.seq)
    weights = {credit.seq: weight(credit, now) for credit in credits}
    best: dict[tuple[str, str], Credit] = {}
    for credit in credits:
        key = credit.kind, credit.lineage
        if key not in best or weights[credit.seq] >= weights[best[key].seq]:
            best[key] = credit
    counted = {credit.seq for credit in best.values()}
    kept = [weights[c.seq] if c.seq in counted else 0 for c in credits]
    x = sum(kept)
    use = LIMIT_OF_USE * x // (x + LIMIT_OF_USE)
    points = _shared([use * w for w in kept], x or 1)
    shares = [
        Share(credit, "U", point, _told(credit, now, weights[credit.seq], credit.seq in counted))
        for credit, point in zip(credits, points, strict=True)
    ]
    fading = [milliseconds(c.time) + (steps(c.time, now) + 1) * STEP for c in credits if weights[c.seq]]
    return shares, min(fading, default=None)


def _told(credit: Credit, now: int, weight: int, counted: bool) -> str:
    if not counted:
        return f"{credit.told}: a better {credit.kind} of {credit.lineage} counts"
    if not credit.base * credit.quarters:
        return f"{credit.told}: earns nothing" if not credit.base else f"{credit.told}: its own node, earns nothing"
    share = {1: "sibling ¼", 2: "other run ½", 4: "other key 1"}[credit.quarters]
    aged = steps(credit.time, now)
    decayed = f", decayed {aged} × 30 days" if aged else ""
    return f"{credit.told}: {credit.base} × {share}{decayed} = {weight}"


def _human(standing: Standing) -> list[Share]:
    opinions = sorted(standing.opinions.values(), key=lambda opinion: opinion.seq)
    counted = {o.seq: m for o in opinions if _person(o) and (m := merit(o.review)) is not None}
    terms = [4 * (counted[o.seq] - 500) if o.seq in counted else 0 for o in opinions]
    points = _shared(terms, len(counted) + 2)
    shares = []
    for opinion, point in zip(opinions, points, strict=True):
        told = str(opinion.review["overall"])
        if not _person(opinion):
            told += ", a language model or planner: shown, not counted"
        elif opinion.seq in counted:
            told += f", merit {counted[opinion.seq]} of 1000"
        else:
            told += ", scores nothing: not counted"
        shares.append(Share(opinion, "H", point, told))
    return shares


def _person(opinion: Opinion) -> bool:
    return bool(opinion.review["kind"] == "person")


def _shared(terms: Sequence[int], divisor: int) -> list[int]:
    """Each term over the divisor, rounded so that all together are the rounded whole."""
    running = [total // divisor for total in accumulate(terms, initial=0)]
    return [after - before for before, after in pairwise(running)]
