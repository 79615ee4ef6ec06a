"""Strengths of packages from votes: Bradley–Terry with a normal prior, the posterior's mode and its curvature.

Unlike Elo, it does not depend on the order of the votes: the same votes give the same strengths. Source: R. A. Bradley
and M. E. Terry, Rank analysis of incomplete block designs, Biometrika 39 (1952).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evidentia.hub.arena.votes import Vote

PRIOR_DEVIATION = 1.0
"""Standard deviation of the prior of a strength, in log-odds: two packages unknown win against each other up to 4:1."""
CONFIDENCE = 0.95
DRAWS = 4_000
_STEPS, _CLOSE = 100, 1e-10


@dataclass(frozen=True)
class Strength:
    """A package's strength in log-odds with its 95 % interval, its rank with the ranks it may have, and its votes."""

    package: str
    value: float
    interval: tuple[float, float]
    rank: int
    ranks: tuple[int, int]
    votes: int


@dataclass(frozen=True)
class Fit:
    """The posterior of all strengths: names, mode (log-odds) and covariance."""

    names: tuple[str, ...]
    mode: np.ndarray
    covariance: np.ndarray


def fit(votes: Sequence[Vote]) -> Fit:
    """Mode and curvature of the posterior, over the packages that have votes, by name."""
    names = tuple(sorted({name for vote in votes for name in (vote.left, vote.right)}))
    place = {name: index for index, name in enumerate(names)}
    left = np.array([place[v.left] for v in votes], dtype=int)
    right = np.array([place[v.right] for v in votes], dtype=int)
    share = np.array([v.share for v in votes])
    precision = 1.0 / PRIOR_DEVIATION**2
    mode = np.zeros(len(names))
    for _ in range(_STEPS):
        gradient, curvature = _slopes(mode, left, right, share, precision)
        step = np.linalg.solve(curvature, gradient)
        mode = mode + step
        if not len(step) or float(np.abs(step).max()) < _CLOSE:
            break
    _, curvature = _slopes(mode, left, right, share, precision)
    return Fit(names, mode, np.linalg.inv(curvature))


def _slopes(
    mode: np.ndarray, left: np.ndarray, right: np.ndarray, share: np.ndarray, precision: float
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of the log posterior and minus its Hessian, which is positive definite thanks to the prior."""
    wins = 1.0 / (1.0 + np.exp(-(mode[left] - mode[right])))
    gradient = -precision * mode
    np.add.at(gradient, left, share - wins)
    np.add.at(gradient, right, wins - share)
    curvature = precision * np.eye(len(mode))
    weight = wins * (1.0 - wins)
    np.add.at(curvature, (left, left), weight)
    np.add.at(curvature, (right, right), weight)
    np.add.at(curvature, (left, right), -weight)
    np.add.at(curvature, (right, left), -weight)
    return gradient, curvature


def strengths(votes: Sequence[Vote]) -> list[Strength]:
    """All packages with votes, strongest first, equal ones by name; ranks are drawn from the posterior (seeded)."""
    if not votes:
        return []
    fitted = fit(votes)
    count = len(fitted.names)
    counts = {name: sum(name in (v.left, v.right) for v in votes) for name in fitted.names}
    drawn = np.random.default_rng(0).multivariate_normal(fitted.mode, fitted.covariance, size=DRAWS, method="cholesky")
    ranks = np.empty_like(drawn, dtype=int)
    np.put_along_axis(ranks, np.argsort(-drawn, axis=1, kind="stable"), np.arange(1, count + 1)[None, :], axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ranks, [tail, 1 - tail], axis=0, method="closest_observation")
    spread = 1.959963984540054 * np.sqrt(np.diag(fitted.covariance))
    order = sorted(range(count), key=lambda i: (-round(float(fitted.mode[i]), 9), fitted.names[i]))
    return [
        Strength(
            package=fitted.names[i],
            value=float(fitted.mode[i]),
            interval=(float(fitted.mode[i] - spread[i]), float(fitted.mode[i] + spread[i])),
            rank=rank,
            ranks=(int(low[i]), int(high[i])),
            votes=counts[fitted.names[i]],
        )
        for rank, i in enumerate(order, start=1)
    ]
