"""Where experiments run: isolation, limits, and evidence measured from outside. Imports nothing of the project."""

from evidentia.sandbox.gpu import gpu_files, gpu_names
from evidentia.sandbox.job import Job, Limits, Outcome, Sandbox, SandboxClosedError, SandboxFailedError
from evidentia.sandbox.levels import available_levels, open_sandbox, strength, strongest_level
from evidentia.sandbox.strict_json import strict_json, strict_json_lines

__all__ = [
    "Job",
    "Limits",
    "Outcome",
    "Sandbox",
    "SandboxClosedError",
    "SandboxFailedError",
    "available_levels",
    "gpu_files",
    "gpu_names",
    "open_sandbox",
    "strength",
    "strict_json",
    "strict_json_lines",
    "strongest_level",
]
