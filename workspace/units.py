"""Units and their dimensions; an unknown unit is an error, never a guess."""

from __future__ import annotations

_DIMENSIONS: dict[str, tuple[str, float]] = {
    "1": ("number", 1.0),
    "x": ("ratio", 1.0),
    "fraction": ("share", 1.0),
    "%": ("share", 0.01),
    "pp": ("share difference", 0.01),
    "s": ("time", 1.0),
    "ms": ("time", 1e-3),
    "us": ("time", 1e-6),
    "ns": ("time", 1e-9),
    "bytes": ("memory", 1.0),
    "KiB": ("memory", 1024.0),
    "MiB": ("memory", 1024.0**2),
    "GiB": ("memory", 1024.0**3),
    "bits": ("information", 1.0),
    "requests": ("requests", 1.0),
    "requests/s": ("request rate", 1.0),
    "items": ("items", 1.0),
    "tokens": ("tokens", 1.0),
    "elements": ("elements", 1.0),
    "dB": ("level", 1.0),
    "operations": ("operations", 1.0),
    "FLOP": ("computation", 1.0),
    "FLOP/s": ("computation rate", 1.0),
    "TFLOP/s": ("computation rate", 1e12),
    "FLOP/byte": ("arithmetic intensity", 1.0),
    "bytes/s": ("bandwidth", 1.0),
    "bytes/token": ("memory per token", 1.0),
    "tokens/s": ("token rate", 1.0),
    "tokens/step": ("tokens per step", 1.0),
    "events/s": ("event rate", 1.0),
    "experts": ("experts", 1.0),
    "USD": ("money", 1.0),
    "USD/Mtoken": ("price per token", 1.0),
    "W": ("power", 1.0),
}


def dimension(unit: str) -> str:
    """The unit's dimension. Raises ValueError for an unknown unit."""
    return _entry(unit)[0]


def convert(value: float, unit: str, to: str) -> float:
    """`value` in another unit of the same dimension. Raises ValueError for unknown or unlike units."""
    (source, factor), (target, other) = _entry(unit), _entry(to)
    if source != target:
        raise ValueError(f"{unit} is a {source}, {to} is a {target}: they cannot be compared")
    return value * factor / other


def difference_unit(unit: str) -> str:
    """The unit of a difference of two values: percentage points for per cents, else the unit itself."""
    _entry(unit)
    return "pp" if unit == "%" else unit


def _entry(unit: str) -> tuple[str, float]:
    if unit not in _DIMENSIONS:
        raise ValueError(f"unknown unit {unit!r}; known are {', '.join(_DIMENSIONS)}")
    return _DIMENSIONS[unit]
