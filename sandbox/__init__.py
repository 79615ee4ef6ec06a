"""Where experiments run: isolation, limits, and evidence measured from outside. Imports nothing of the project."""

from evidentia.sandbox.job import Job, Limits, Outcome, Sandbox, SandboxClosedError
from evidentia.sandbox.levels import available_levels, open_sandbox
from evidentia.sandbox.strict_json import strict_json, strict_json_lines

__all__ = [
    "Job",
    "Limits",
    "Outcome",
    "Sandbox",
    "SandboxClosedError",
    "available_levels",
    "open_sandbox",
    "strict_json",
    "strict_json_lines",
]
