"""Climbing the ladder: level after level until one fails; the rung is the last level that held whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError, EvidentiaError, IntegrityError
from evidentia.hub.ranking import record_uses
from evidentia.hub.verification.attested import attest, folder_of, manifest_digest
from evidentia.hub.verification.intact import check_intact
from evidentia.hub.verification.opened import MALFORMED, Opened, Result, open_package
from evidentia.hub.verification.recomputed import check_recomputed
from evidentia.hub.verification.replicated import check_replicated
from evidentia.hub.verification.reproduced import OPERATOR, Verifier, check_reproduced, fresh_offset
from evidentia.hub.verification.reruns import check_reruns
from evidentia.hub.verification.structure import check_structure
from evidentia.kernels import registry
from evidentia.sandbox import Sandbox, SandboxFailedError, gpu_files, open_sandbox, strength, strongest_level
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import record_verification
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.signing import Key, workspace_key

HIGHEST = 5
DEFAULT = 3
RUNNING = 2
REPRODUCED = 4
FOREIGN = "bubblewrap"


def verify(
    package_path: Path,
    workspace: Workspace | None = None,
    rung: int = DEFAULT,
    *,
    sandbox: Sandbox | None = None,
    actor: str = "verifier",
    allow_weak_sandbox: bool = False,
    seed_offset: int | None = None,
    attest_to: Path | None = None,
) -> dict[str, Any]:
    """Verify a package directory up to `rung`; the answer is in the shape of ``verify --json``.

    Its ``rung`` is the highest level that holds with all below it, -1 if not even level 0 does. A level above one
    that failed is reported as failed, not run. ``plus`` says that level 4 failed in nothing but that the operator is
    the one of the first run. Of a package of `workspace` the result is signed, laid beside its versions and written
    to the ledger; of any other one it is signed only into `attest_to`. Raises BadInputError for a rung or
    `seed_offset` that cannot be, and when the package is from elsewhere and its code would run in a weak sandbox, or
    on this machine's graphics cards, and nobody has allowed it.
    """
    if not 0 <= rung <= HIGHEST:
        raise BadInputError(f"--rung must be between 0 and {HIGHEST}, not {rung}")
    if seed_offset is not None and rung < REPRODUCED:
        raise BadInputError(f"--seed-offset is for level {REPRODUCED}; add --rung {REPRODUCED}")
    if attest_to is not None and workspace is None:
        raise BadInputError("--attest needs the key of a workspace; name one with --workspace")
    package_path = package_path.resolve()
    ours = workspace is not None and package_path.parent.parent == workspace.packages.resolve()
    if sandbox is None and rung >= RUNNING and not allow_weak_sandbox:
        refuse_weak(package_path, workspace)
    key = workspace_key(workspace) if workspace is not None and (ours or attest_to or rung >= REPRODUCED) else None
    cards = cards_for(package_path, workspace, allow_weak_sandbox) if rung >= RUNNING else ()
    climb = _Climb(package_path, workspace, rung, key, seed_offset, cards)
    found = list(climb.results(sandbox))
    failed = [result for result in found if not result.passed]
    reached = min(result.rung for result in failed) - 1 if failed else rung
    name, version = _identity(package_path)
    report: dict[str, Any] = {
        "package": name,
        "rung": reached,
        "asked": rung,
        "plus": {(r.rung, r.name) for r in failed if r.rung <= REPRODUCED} == {(REPRODUCED, OPERATOR)},
        "checks": [asdict(result) for result in found],
        "attestation": "",
    }
    if key is not None and (ours or attest_to):
        folder = attest_to or folder_of(package_path)
        shift = climb.offset if climb.ran(REPRODUCED, found) else None
        path, digest = attest(
            package_path, folder, key, report, version=version, sandbox=climb.sandbox_level, seed_offset=shift
        )
        report["attestation"] = str(path)
        if workspace is not None and ours:
            signed = {"attestation": digest, "key": key.keyid, "manifest": manifest_digest(package_path)}
            checks = report["checks"]
            record_verification(workspace, name, version, reached, checks, actor, plus=report["plus"], **signed)
            if reached >= RUNNING:
                record_uses(workspace, name, version, actor)
    return report


def refuse_weak(path: Path, workspace: Workspace | None) -> None:
    """Raise BadInputError when a package's code is not this workspace's own and the sandbox here is weak."""
    here = strongest_level()
    if strength(here) < strength(FOREIGN) and not _made_here(path, workspace):
        raise BadInputError(
            f"this package was not made in the workspace, and levels {RUNNING} and higher run its code, which needs "
            f"the sandbox level {FOREIGN} or a stronger one; this machine has {here}: see `evidentia doctor`, verify "
            f"with --rung {RUNNING - 1}, or run it all the same with --allow-weak-sandbox"
        )


def cards_for(path: Path, workspace: Workspace | None, allowed: bool) -> tuple[str, ...]:
    """The device files of this machine's cards, whatever they are called, for a package that ran on one. Raises
    BadInputError when its code is from elsewhere and nobody has `allowed` it the cards."""
    files = gpu_files()
    try:
        ran = bool(files) and any(run.evidence.environment.accelerator for run in load_manifest(path).branch.runs)
    except IntegrityError:
        return ()  # level 0 tells of it
    if not ran:
        return ()
    if not allowed and not _made_here(path, workspace):
        raise BadInputError(
            f"this package ran on a graphics card and was not made in the workspace: verify with --rung {RUNNING - 1}, "
            "or hand its code the cards of this machine with --allow-weak-sandbox"
        )
    return files


def _made_here(path: Path, workspace: Workspace | None) -> bool:
    """Whether the workspace holds the run that a package says it is of; level 1 then compares the two logs."""
    if workspace is None or path.resolve().parent.parent != workspace.packages.resolve():
        return False
    try:
        return load_manifest(path).run in workspace.run_names()
    except IntegrityError:
        return False


class _Climb:
    """One verification: what it looks at, and what it came to know on the way."""

    def __init__(
        self,
        path: Path,
        workspace: Workspace | None,
        rung: int,
        key: Key | None,
        wanted: int | None,
        cards: tuple[str, ...],
    ) -> None:
        self.path, self.workspace, self.rung, self.cards = path, workspace, rung, cards
        self.keyid, self.wanted = key.keyid if key else "", wanted
        self.offset = 0
        self.sandbox_level = "none"

    def results(self, sandbox: Sandbox | None) -> Iterator[Result]:
        """The checks, level by level, until one fails."""
        try:
            package = open_package(self.path, self.workspace)
        except IntegrityError as error:
            yield Result(0, "manifest", False, str(error))
            yield from _not_run(1, self.rung, 0)
            return
        if self.rung >= REPRODUCED:
            self.offset = fresh_offset(package, self.wanted)
        yield Result(0, "manifest", True, f"a {package.manifest.schema_version} manifest")
        given = None if self.cards else sandbox
        with sandboxed(given, self.workspace, needed=self.rung >= RUNNING, devices=self.cards) as box:
            for level in range(self.rung + 1):
                found = list(self._level(package, level, box))
                self.sandbox_level = next((o.level for o in package.outcomes if o), self.sandbox_level)
                yield from found
                if not all(result.passed for result in found):
                    explained = self.rung == HIGHEST > level >= RUNNING
                    yield from _not_run(level + 1, HIGHEST - 1 if explained else self.rung, level)
                    if explained:  # it runs no code, and says what there is still to do
                        yield from self._level(package, HIGHEST, None)
                    return

    def ran(self, level: int, found: list[Result]) -> bool:
        """Whether a level was tried."""
        return any(r.rung == level and r.name != f"level {level}" for r in found)

    def _level(self, package: Opened, level: int, sandbox: Sandbox | None) -> Iterator[Result]:
        try:
            if level == 0:
                yield from check_structure(package)
            elif level == 1:
                yield from check_intact(package)
            elif level == HIGHEST:
                yield from check_replicated(package)
            elif sandbox is not None and level == REPRODUCED:
                yield from check_reproduced(package, sandbox, Verifier(self.keyid, self.offset))
            elif sandbox is not None:
                yield from (check_reruns, check_recomputed)[level - RUNNING](package, sandbox)
        except IntegrityError as error:
            yield Result(level, "readable", False, str(error))
        except MALFORMED as error:
            told = f"{type(error).__name__} {error}"
            yield Result(level, "readable", False, f"a record lacks what it must have, or in another form: {told}")
        except SandboxFailedError as error:
            told = f"the package could not be run again here, which says nothing of it: {error}"
            raise EvidentiaError(told) from error


def _not_run(first: int, last: int, because: int) -> Iterator[Result]:
    for level in range(first, last + 1):
        yield Result(level, f"level {level}", False, f"not run: level {because} failed")


def _identity(path: Path) -> tuple[str, int]:
    """Id and version by the directory's name, which a changed manifest cannot alter."""
    version = path.name.removeprefix("v")
    return (path.parent.name, int(version)) if version.isdigit() else (path.name, 0)


@contextmanager
def sandboxed(
    sandbox: Sandbox | None, workspace: Workspace | None, *, needed: bool, devices: tuple[str, ...] = ()
) -> Iterator[Sandbox | None]:
    """The sandbox given, or one opened for as long as it is needed, with `devices` passed in."""
    if sandbox is not None or not needed:
        yield sandbox
        return
    cache = registry.compile_cache(workspace.cache / "numba") if workspace is not None else None
    with tempfile.TemporaryDirectory(prefix="evidentia-verify-") as scratch:
        opened = open_sandbox(Path(scratch), compile_cache=cache, devices=devices)
        try:
            yield opened
        finally:
            opened.close()
