"""Jobs: commands of `evidentia` that the hub starts for a person and that outlive it.

A job is a detached process of its own session. `jobs/ID.json` describes it, `jobs/ID.log` is its output, and a lock on
the log is held while it is alive, so that a restarted server, or a restarted machine, knows what became of each.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from evidentia.errors import BadInputError
from evidentia.hub.app.job_output import opened
from evidentia.hub.app.session import token_of
from evidentia.workspace.home import Workspace

MOST = 4
"""Jobs that run at once, at most."""
KEPT = 500
"""Ended jobs whose output stays, the latest; what a run did stands in its own log for good."""
STOPPED = (130, -signal.SIGINT, -signal.SIGTERM, -signal.SIGKILL)
"""How a command ends that was asked to."""
SHOWN = 200
LONGEST_TITLE, LONGEST_ARGUMENTS = 300, 20_000
ATTENDANT = Path(__file__).with_name("attended.py")
READ_FOR_RUN = 20_000
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
_RUN = re.compile(rb"^\d\d:\d\d:\d\d run ([a-z0-9-]+): ", re.MULTILINE)
"""How a run says its name first."""

State = Literal["running", "done", "failed", "stopped", "lost"]


@dataclass(frozen=True)
class Job:
    """One job. `pid` is its attendant's, None while that is just starting. `exit_code` and `ended` are None while it
    runs, and for one that was killed with its attendant ("lost"); a command that a person ended is "stopped"."""

    id: str
    title: str
    arguments: tuple[str, ...]
    started: str
    pid: int | None
    state: State
    exit_code: int | None
    ended: str | None
    log: Path

    @property
    def running(self) -> bool:
        """Whether its command is at work."""
        return self.state == "running"


def start(workspace: Workspace, title: str, arguments: Sequence[str]) -> str:
    """Start ``evidentia ARGUMENTS`` on the workspace, detached; the job's id.

    Options come before ``--``, which must stand before whatever a person typed. Raises BadInputError when the same is
    running already, when `MOST` jobs are, or when the folder cannot be written.
    """
    title, given = " ".join(title.split())[:LONGEST_TITLE], tuple(arguments)
    if not given or any("\0" in part for part in given) or sum(map(len, given)) > LONGEST_ARGUMENTS:
        raise BadInputError(f"a job needs arguments of at most {LONGEST_ARGUMENTS} characters, without zero bytes")
    folder = workspace.root / "jobs"
    try:
        folder.mkdir(exist_ok=True)
        with _alone(folder):
            return _started(workspace, folder, title, given)
    except OSError as error:
        raise BadInputError(f"cannot start a job in {folder}: {error.strerror}") from error


def _started(workspace: Workspace, folder: Path, title: str, given: tuple[str, ...]) -> str:
    known = list(_every(workspace))
    alive = [found for found in known if found.running]
    for old in [found for found in known if not found.running][KEPT:]:
        old.log.unlink(missing_ok=True)
        old.log.with_suffix(".json").unlink(missing_ok=True)
    if twin := next((found for found in alive if found.arguments == given), None):
        raise BadInputError(f"the same is running already, as job {twin.id}: {twin.title}")
    if len(alive) >= MOST:
        raise BadInputError(f"{len(alive)} jobs are running, and no more than {MOST} may; wait for one or stop one")
    now = datetime.now(UTC)
    name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    about, log = folder / f"{name}.json", folder / f"{name}.log"
    told = {"title": title, "arguments": list(given), "started": now.isoformat(timespec="seconds")}
    lock = os.open(log, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        about.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        command = [sys.executable, "-P", "-m", "evidentia", *_on(workspace, given)]
        process = subprocess.Popen(
            [sys.executable, "-I", str(ATTENDANT), str(about), str(log), str(lock), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[lock],
            env=_environment(token_of(workspace)),
        )
    except BaseException:
        about.unlink(missing_ok=True)
        log.unlink(missing_ok=True)
        raise
    finally:
        os.close(lock)
    threading.Thread(target=process.wait, daemon=True).start()  # so that no zombie stays
    return name


def _on(workspace: Workspace, given: tuple[str, ...]) -> list[str]:
    """The arguments with the workspace's, before what a person typed."""
    at = given.index("--") if "--" in given else len(given)
    return [*given[:at], "--workspace", str(workspace.root.resolve()), *given[at:]]


def _environment(token: str) -> dict[str, str]:
    """Ours, without the hub's token and set for output that is read in a page."""
    kept = {name: value for name, value in os.environ.items() if token not in value}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "TERM": "dumb"}


def jobs(workspace: Workspace, limit: int = SHOWN) -> list[Job]:
    """The jobs, newest first, at most `limit`."""
    return list(itertools.islice(_every(workspace), limit))


def job(workspace: Workspace, name: str) -> Job:
    """One job. Raises BadInputError when there is none of that name."""
    found = _read(workspace.root / "jobs", name) if _ID.fullmatch(name) else None
    if found is None:
        raise BadInputError(f"no job {name[:60]!r} in {workspace.root}")
    return found


def run_named(workspace: Workspace, found: Job) -> str:
    """The run that a job works on, once it has said so; empty for a job of another kind."""
    try:
        with opened(found.log) as file:
            told = _RUN.search(file.read(READ_FOR_RUN))
    except OSError:
        return ""
    name = told[1].decode() if told else ""
    return name if name and (workspace.runs / name / "events.jsonl").is_file() else ""


def stop(workspace: Workspace, name: str) -> Job:
    """Ask a running job to end (SIGINT): a run stops between two steps and can be resumed. A second time ends a run at
    once. Raises BadInputError when it is not running."""
    found = job(workspace, name)
    for _ in range(100):
        if not found.running or found.pid is not None:
            break
        time.sleep(0.02)  # its attendant is just starting
        found = job(workspace, name)
    if not found.running or found.pid is None:
        raise BadInputError(f"job {name} is not running: {found.state}")
    with suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGINT)
    return found


def _every(workspace: Workspace) -> Iterator[Job]:
    folder = workspace.root / "jobs"
    try:
        names = sorted((n.removesuffix(".json") for n in os.listdir(folder) if n.endswith(".json")), reverse=True)
    except FileNotFoundError:
        return
    for name in names:
        found = _read(folder, name) if _ID.fullmatch(name) else None
        if found:
            yield found


def _read(folder: Path, name: str) -> Job | None:
    """A job from its description; None for a file that is none."""
    log = folder / f"{name}.log"
    # First whether it is alive, then how it ended: it may end in between, and an end is written before the lock goes.
    alive = _locked(log)
    try:
        told = json.loads((folder / f"{name}.json").read_bytes())
        arguments, code = tuple(map(_plain, told["arguments"])), told.get("exit_code")
        return Job(
            id=name,
            title=_plain(told["title"]),
            arguments=arguments,
            started=_plain(told["started"]),
            pid=told.get("pid"),
            state=_state(alive, code),
            exit_code=code,
            ended=_plain(told["ended"]) if told.get("ended") else None,
            log=log,
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _plain(value: object) -> str:
    """A text without halves of characters, which JSON can hold and nothing can show."""
    return str(value).encode("utf-8", "replace").decode()


def _state(alive: bool, code: int | None) -> State:
    if code is None:
        return "running" if alive else "lost"
    if code in STOPPED:
        return "stopped"
    return "failed" if code else "done"


def _locked(log: Path) -> bool:
    """Whether a living attendant holds the log."""
    try:
        handle = os.open(log, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The folder, held against other servers for the moment it takes to start a job."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
