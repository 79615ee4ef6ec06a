"""Writing measured numbers: as many digits as the interval deserves, always with interval and sample size."""

from __future__ import annotations

import math

from evidentia.workspace.records import Claim

_SUFFIX = {"1": "", "x": "×", "%": " %", "fraction": ""}


def figure(value: float, half_width: float | None = None) -> str:
    """A number with two significant digits of its uncertainty, or four significant digits without one.

    Between a thousandth and a hundred million it is written out, else with an exponent.
    """
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    places = 3 - size
    if half_width and math.isfinite(half_width) and half_width > 0:
        places = min(max(1 - math.floor(math.log10(half_width)), -size), 6 - size)
    if -4 < size < 8:
        places = max(0, places)
        text = f"{round(value, places):,.{places}f}"
        return text.rstrip("0").rstrip(".") if "." in text and not half_width else text
    return f"{value:.{max(0, min(6, size + places))}e}"


def quantity(claim: Claim) -> str:
    """``11.8 pp [11.6, 12.0], n = 5``, or why there is no value."""
    if claim.value is None:
        return f"no value ({claim.note or 'not measured'}), n = {claim.n}"
    unit = _SUFFIX.get(claim.unit, f" {claim.unit}")
    if claim.ci is None or not all(math.isfinite(v) for v in claim.ci):
        return f"{figure(claim.value)}{unit}, n = {claim.n}"
    half = (claim.ci[1] - claim.ci[0]) / 2
    low, high = (figure(v, half) for v in claim.ci)
    return f"{figure(claim.value, half)}{unit} [{low}, {high}], n = {claim.n}"
