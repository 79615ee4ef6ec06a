"""What an experiment ran on: interpreter, packages, processor, commit, sandbox level."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from evidentia.sandbox import gpu_files, gpu_names
from evidentia.sandbox.job import variables
from evidentia.workspace.records import Environment

PACKAGES = ("evidentia", "numba", "numpy", "scipy", "torch")


@cache
def describe(level: str, accounting: str, devices: tuple[str, ...], seed: int, weak_allowed: bool) -> Environment:
    """The environment of the experiments of this process that ran so."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        processor=processor(),
        packages={name: version_of(name) for name in PACKAGES},
        commit=_commit(),
        sandbox=level,
        variables={k: v for k, v in variables("scratch").items() if "scratch" not in v},
        accounting=accounting,
        devices=devices,
        accelerator=_accelerator(devices),
        seed=seed,
        weak_allowed=weak_allowed,
    )


def version_of(name: str) -> str:
    """The version of an installed distribution; empty where there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def processor() -> str:
    """The processor's model name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _accelerator(devices: tuple[str, ...]) -> str:
    """What CUDA calls the cards; empty where none is among the devices. Several kinds are all named, since which of
    them CUDA takes first is its own choice."""
    return " and ".join(dict.fromkeys(gpu_names())) if set(devices) & set(gpu_files()) else ""


def _commit() -> str:
    """The commit of the library's checkout, with ``+`` for local changes; empty for an installed package."""
    home = Path(__file__).resolve().parent.parent
    if not (home / ".git").exists():
        return ""
    try:
        head = subprocess.run(
            ["git", "-C", str(home), "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10
        )
        changed = subprocess.run(
            ["git", "-C", str(home), "status", "--porcelain", "-uno"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
