"""Tensions between packages: found over a whole workspace, told apart, and listed with what became of them."""

from evidentia.hub.tensions.comparing import CONFLICTS, Comparison, compare
from evidentia.hub.tensions.detection import Detected, detect, find
from evidentia.hub.tensions.measured import Measured, measured_claim
from evidentia.hub.tensions.pooling import pool

__all__ = ["CONFLICTS", "Comparison", "Detected", "Measured", "compare", "detect", "find", "measured_claim", "pool"]
