"""How the error of a sample plan is shared among its looks: Pocock's constant level, exact for Student's t.

At every look the interval is made at one and the same level. The level is the largest at which, were a claim looked
at after every planned number of seeds, its intervals would all hold together with the wanted confidence. It is never
below the error divided by the number of looks, so that no data set is decided later than by Bonferroni's rule.

Published constants (Pocock 1977; Jennison and Turnbull 2000, table 2.1) are for a known variance. With five seeds at
the first look they spend about 5 % more than they should; here the joint distribution of the t statistics themselves
is integrated. Under the null, t at one look given t at the next depends on nothing else (the direction of the data is
uniform on a sphere, and independent of its length), so the looks form a Markov chain backwards in time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

GRID, NODES = 16, 24
"""Nodes of the grid of one look, and of each third of an integral over the next: for looks of five seeds and more the
error comes out to within a millionth of itself, for looks of two and three to within a hundredth."""
STEPS = 50
REACH = 9.0
"""How many standard deviations of a density its integral spans."""
DIGITS = 6
"""A level is rounded down to so many digits, so that it is the same on every processor."""


def simultaneous(confidence: float, looks: Sequence[int], claims: int) -> float:
    """The confidence of each interval such that those of all claims and looks hold together at `confidence`.

    Claims share the error equally (Bonferroni); the looks of a claim share its part by Pocock's constant level.
    Raises ValueError unless 0 < confidence < 1, the looks rise from at least two seeds, and claims is at least 1.
    """
    if not 0 < confidence < 1 or claims < 1 or not looks or looks[0] < 2:
        raise ValueError("a plan needs a confidence between 0 and 1, a claim, and looks of at least two seeds")
    if any(b <= a for a, b in itertools.pairwise(looks)):
        raise ValueError("the looks of a plan must rise")
    return 1 - constant_level((1 - confidence) / claims, tuple(looks))


@cache
def constant_level(error: float, looks: tuple[int, ...]) -> float:
    """The two-sided level of every look such that the error over all `looks` (numbers of seeds) is `error`.

    Rounded down to six digits. Source: S. J. Pocock, Group sequential methods in the design and analysis of clinical
    trials, Biometrika 64, 1977; for t in place of the normal distribution as described at the head of this file.
    """
    if len(looks) == 1:
        return error
    log_level = math.log(error / len(looks))
    for _ in range(STEPS):
        # The error rises nearly in proportion to the level, so that what is left of it is the step to take.
        step = math.log(error / crossing_error([math.exp(log_level)] * len(looks), looks))
        log_level += step
        if abs(step) < 10.0**-DIGITS / 10:
            break
    exponent = 1 + math.floor(log_level / math.log(10)) - DIGITS
    rounded = float(f"{math.floor(math.exp(log_level) / 10.0**exponent)}e{exponent}")
    return max(rounded, error / len(looks))


def crossing_error(levels: Sequence[float], looks: Sequence[int]) -> float:
    """The probability, where there is no effect, that |t| exceeds its two-sided critical value at any look.

    `levels` are the looks' two-sided levels, `looks` their numbers of seeds, both in order. For normal data.
    """
    from scipy.special import stdtrit

    critical = [float(stdtrit(n - 1, 1 - level / 2)) for level, n in zip(levels, looks, strict=True)]
    inside: Callable[[Array], Array] | None = None
    for k in range(1, len(looks)):
        grid = _Grid(math.atan(critical[k] / math.sqrt(looks[k] - 1)))
        values = _given_next(grid.angles, looks[k - 1], looks[k], critical[k - 1], inside)
        inside = grid.interpolant(values)
    last, bound = looks[-1], math.atan(critical[-1] / math.sqrt(looks[-1] - 1))
    nodes, weights = _legendre(np.zeros(1), np.full(1, min(bound, REACH / math.sqrt(last))))
    density = np.cos(nodes) ** (last - 2)
    crossed = 1.0 - (np.ones_like(nodes) if inside is None else inside(nodes))
    # Split so that nothing is lost to cancellation: crossed at the last look, or before it and not at it.
    return levels[-1] + 2 * float(np.sum(weights * density * crossed)) / _cosine_power(last - 2)


def _given_next(angles: Array, n: int, after: int, critical: float, inside: Callable[[Array], Array] | None) -> Array:
    """The probability of no crossing up to the look of `n` seeds, for each angle of t at the look of `after` seeds.

    The angle of t is atan(|t| / sqrt(seeds - 1)). A look's t is made of the next one's, of the share of the later
    seeds in the mean (the sine of a second angle) and of their share in the spread, which is beta-distributed.
    """
    from scipy.special import betainc

    a, b = (n - 1) / 2, (after - n - 1) / 2
    psi = angles[:, None]
    phi, weights = _split(angles, n / after, critical * math.sqrt(a / ((a + b) * (n - 1))), after)
    weights = weights * np.cos(phi) ** (after - 3) / _cosine_power(after - 3)
    mean = np.sin(psi) * math.sqrt(n / after) + np.cos(psi) * np.sin(phi) * math.sqrt(1 - n / after)
    spread = (np.cos(psi) * np.cos(phi)) ** 2
    ratio = (n - 1) * mean**2 / np.maximum(spread, 1e-300)
    least = np.minimum(ratio / critical**2, 1.0)
    if b == 0:  # one seed was added: all the spread within the rest is the earlier look's
        values = np.where(least < 1.0, 1.0 if inside is None else _at(inside, ratio, n), 0.0)
    elif inside is None:
        values = 1.0 - betainc(a, b, least)
    else:
        # The beta variate as the squared sine of an angle, whose density is smooth at both ends.
        peak, reach = math.atan(math.sqrt(a / b)), REACH / (2 * math.sqrt(a + b))
        low = np.maximum(np.arcsin(np.sqrt(least))[..., None], max(peak - reach, 0.0))
        x, w = np.polynomial.legendre.leggauss(NODES)
        half = np.maximum(min(peak + reach, math.pi / 2) - low, 0.0) / 2
        theta = low + half * (x + 1)
        sine, cosine = np.maximum(np.sin(theta), 1e-150), np.maximum(np.cos(theta), 1e-150)
        density = np.exp((2 * a - 1) * np.log(sine) + (2 * b - 1) * np.log(cosine) - _log_beta(a, b))
        values = 2 * np.sum(half * w * density * _at(inside, ratio[..., None] / sine**2, n), axis=-1)
    total: Array = np.sum(weights * values, axis=1)
    return total


def _split(angles: Array, share: float, slope: float, after: int) -> tuple[Array, Array]:
    """Nodes and weights of the second angle for each first one, in three pieces: the look crosses, does not, crosses.

    The pieces meet where the look's |t| is critical at the mean spread; nodes are densest there.
    """
    reach = min(math.pi / 2, REACH / math.sqrt(after))
    length, turn = math.hypot(math.sqrt(1 - share), slope), math.atan2(slope, math.sqrt(1 - share))
    middle = np.arcsin(np.clip(-np.tan(angles) * math.sqrt(share) / length, -1.0, 1.0))
    low, high = (np.clip(middle + side * turn, -reach, reach) for side in (-1, 1))
    edges = (np.full_like(low, -reach), low, high, np.full_like(low, reach))
    pieces = [_legendre(x[:, None], y[:, None]) for x, y in itertools.pairwise(edges)]
    return np.concatenate([x for x, _ in pieces], axis=1), np.concatenate([w for _, w in pieces], axis=1)


def _at(inside: Callable[[Array], Array], squared: Array, n: int) -> Array:
    return inside(np.arctan(np.sqrt(squared / (n - 1))))


class _Grid:
    """Chebyshev nodes on the angles from 0 to `bound`, and the polynomial through values at them."""

    def __init__(self, bound: float) -> None:
        self.bound = bound
        self._nodes: Array = np.polynomial.chebyshev.chebpts1(GRID).astype(np.float64)
        self.angles: Array = np.asarray((self._nodes + 1) * (bound / 2), dtype=np.float64)

    def interpolant(self, values: Array) -> Callable[[Array], Array]:
        """The function on the angles; beyond the bound, by rounding only, it is held at the end."""
        fit = np.polynomial.chebyshev.chebfit(self._nodes, values, GRID - 1)

        def at(angles: Array) -> Array:
            x = np.clip(2 * angles / self.bound - 1, -1.0, 1.0)
            return np.asarray(np.polynomial.chebyshev.chebval(x, fit), dtype=np.float64)

        return at


def _legendre(low: Array, high: Array) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(NODES)
    return low + (high - low) * (x + 1) / 2, w * (high - low) / 2


def _cosine_power(power: int) -> float:
    """The integral of cos(x)^power from -pi/2 to pi/2."""
    return math.sqrt(math.pi) * math.exp(math.lgamma((power + 1) / 2) - math.lgamma(power / 2 + 1))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
