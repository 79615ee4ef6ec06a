"""Climbing the ladder: level after level until one fails; the rung is the last level that held whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError, EvidentiaError, IntegrityError
from evidentia.hub.verification.intact import check_intact
from evidentia.hub.verification.opened import Opened, Result, open_package
from evidentia.hub.verification.recomputed import check_recomputed
from evidentia.hub.verification.reruns import check_reruns
from evidentia.hub.verification.structure import check_structure
from evidentia.sandbox import Sandbox, SandboxFailedError, open_sandbox, strength, strongest_level
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import record_verification

HIGHEST = 3
RUNNING = 2
FOREIGN = "bubblewrap"


def verify(
    package_path: Path,
    workspace: Workspace | None = None,
    rung: int = HIGHEST,
    *,
    sandbox: Sandbox | None = None,
    actor: str = "verifier",
    allow_weak_sandbox: bool = False,
) -> dict[str, Any]:
    """Verify a package directory up to `rung`; the answer is in the shape of ``verify --json``.

    Its ``rung`` is the highest level that holds with all below it, -1 if not even level 0 does. A level above one
    that failed is reported as failed, not run. The result is written to the ledger when the package is one of
    `workspace`. Raises BadInputError for a rung that does not exist, and when the package is from elsewhere and its
    code would run in a weak sandbox that nobody has allowed.
    """
    if not 0 <= rung <= HIGHEST:
        raise BadInputError(f"--rung must be between 0 and {HIGHEST}, not {rung}; higher ones need other people")
    package_path = package_path.resolve()
    ours = workspace is not None and package_path.parent.parent == workspace.packages.resolve()
    if rung >= RUNNING and sandbox is None and not ours and not allow_weak_sandbox:
        _refuse_weak()
    found = list(_climb(package_path, rung, sandbox, workspace))
    failed = [result.rung for result in found if not result.passed]
    reached = min(failed) - 1 if failed else rung
    checks = [asdict(result) for result in found]
    name, version = _identity(package_path)
    if workspace is not None and ours:
        record_verification(workspace, name, version, reached, checks, actor)
    return {"package": name, "rung": reached, "checks": checks}


def _refuse_weak() -> None:
    here = strongest_level()
    if strength(here) < strength(FOREIGN):
        raise BadInputError(
            f"this package is not of the workspace, and levels {RUNNING} and higher run its code, which needs the "
            f"sandbox level {FOREIGN} or a stronger one; this machine has {here}: see `evidentia doctor`, verify "
            f"with --rung {RUNNING - 1}, or run it all the same with --allow-weak-sandbox"
        )


def _climb(path: Path, rung: int, sandbox: Sandbox | None, workspace: Workspace | None) -> Iterator[Result]:
    try:
        package = open_package(path)
    except IntegrityError as error:
        yield Result(0, "manifest", False, str(error))
        yield from _not_run(1, rung, 0)
        return
    yield Result(0, "manifest", True, f"a {package.manifest.schema_version} manifest")
    with _sandboxed(sandbox, workspace, needed=rung >= RUNNING) as box:
        for level in range(rung + 1):
            found = list(_level(package, level, box))
            yield from found
            if not all(result.passed for result in found):
                yield from _not_run(level + 1, rung, level)
                return


def _level(package: Opened, level: int, sandbox: Sandbox | None) -> Iterator[Result]:
    try:
        if level == 0:
            yield from check_structure(package)
        elif level == 1:
            yield from check_intact(package)
        elif sandbox is not None:
            yield from (check_reruns, check_recomputed)[level - 2](package, sandbox)
    except IntegrityError as error:
        yield Result(level, "readable", False, str(error))
    except SandboxFailedError as error:
        raise EvidentiaError(f"the package could not be run again here, which says nothing of it: {error}") from error


def _not_run(first: int, last: int, because: int) -> Iterator[Result]:
    for level in range(first, last + 1):
        yield Result(level, f"level {level}", False, f"not run: level {because} failed")


def _identity(path: Path) -> tuple[str, int]:
    """Id and version by the directory's name, which a changed manifest cannot alter."""
    version = path.name.removeprefix("v")
    return (path.parent.name, int(version)) if version.isdigit() else (path.name, 0)


@contextmanager
def _sandboxed(sandbox: Sandbox | None, workspace: Workspace | None, *, needed: bool) -> Iterator[Sandbox | None]:
    if sandbox is not None or not needed:
        yield sandbox
        return
    cache = workspace.cache / "numba" if workspace is not None else None
    with tempfile.TemporaryDirectory(prefix="evidentia-verify-") as scratch:
        opened = open_sandbox(Path(scratch), compile_cache=cache)
        try:
            yield opened
        finally:
            opened.close()
