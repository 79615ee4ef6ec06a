"""Falsification: tests by what refutes likeliest for its cost, what they showed, and what must be taken back."""

from evidentia.agents.falsification.judging import ATTACK_CONFIDENCE, judge, take_back, unproven
from evidentia.agents.falsification.row_audit import audit_rows
from evidentia.agents.falsification.script_audit import audit_script

__all__ = ["ATTACK_CONFIDENCE", "audit_rows", "audit_script", "judge", "take_back", "unproven"]
