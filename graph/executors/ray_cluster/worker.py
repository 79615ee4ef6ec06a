"""What runs on the other machine: an account of itself, and the slot, an actor that holds a warm sandbox."""

from __future__ import annotations

import shutil
import signal
import socket
from dataclasses import fields
from pathlib import Path
from typing import Any

from evidentia.graph.environment import describe
from evidentia.graph.executors.ray_cluster.demand import assigned
from evidentia.graph.executors.ray_cluster.folders import own_folder
from evidentia.kernels import registry
from evidentia.sandbox import Job, Sandbox, SandboxClosedError, SandboxFailedError, open_sandbox, strongest_level
from evidentia.workspace.canonical import sha256


def facts() -> dict[str, Any]:
    """This machine as a worker, in JSON: ``environment``, the ``library``'s fingerprint, ``host``.

    Raises ValueError where no sandbox level is available.
    """
    environment = describe(strongest_level(), "", (), 0, False)
    library = registry.compile_cache(Path()).name
    return {"environment": environment.to_json(), "library": library, "host": socket.gethostname()}


class Slot:
    """Runs one job at a time in its own sandbox, once it is open. `compiled` is the coordinator's folder for compiled
    code, which is used where this machine has it too."""

    def __init__(self, devices: tuple[str, ...], compiled: str) -> None:
        self._devices, self._compiled = devices, Path(compiled)
        self._folder: Path | None = None
        self._sandbox: Sandbox | None = None

    def open(self) -> str:
        """Open the sandbox; the id of the node that this slot was placed on."""
        import ray

        context = ray.get_runtime_context()
        cards = context.get_accelerator_ids().get("GPU", [])
        self._devices = assigned(self._devices, tuple(int(card) for card in cards))
        cache = self._compiled if self._compiled.is_dir() else Path.home() / ".cache" / "evidentia" / "numba"
        compile_cache = registry.compile_cache(cache)
        self._folder = own_folder()
        self._sandbox = open_sandbox(self._folder, compile_cache=compile_cache, devices=self._devices)
        return str(context.get_node_id())

    def run(self, job: Job) -> dict[str, Any]:
        """Run the job and report it: the outcome with hashes in the place of bytes, and the bytes by their hash.

        A fault of the sandbox is told under ``failed``.
        """
        # Ray's processes block the signal, and what they start would inherit that.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        assert self._sandbox is not None
        try:
            seen = self._sandbox.run(job)
        except (SandboxFailedError, SandboxClosedError, OSError) as error:
            return {"failed": str(error) or type(error).__name__}
        blobs = {sha256(data): data for data in (seen.stdout, seen.stderr, *seen.outputs.values())}
        outcome = {field.name: getattr(seen, field.name) for field in fields(seen)}
        outcome |= {"stdout": sha256(seen.stdout), "stderr": sha256(seen.stderr)}
        outcome |= {"outputs": {name: sha256(data) for name, data in seen.outputs.items()}}
        outcome |= {"refused": dict(seen.refused)}
        environment = describe(seen.level, seen.accounting, self._devices, job.seed, False)
        return {"outcome": outcome, "environment": environment.to_json(), "blobs": blobs}

    def close(self) -> None:
        """Kill what runs and leave nothing on this machine."""
        if self._sandbox is not None:
            self._sandbox.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
