"""Deciding from the host's side whether an attack succeeded."""

from __future__ import annotations

from dataclasses import dataclass

from evidentia.sandbox import Limits, Outcome, strict_json_lines
from tests.sandbox.attacks.host import Host

ESCAPES = b"\x1b[2J\x1b]0;owned\x07\x1b[6n\x9b31m\x00\xff\r\n"
_WORK_SECONDS, _HIDDEN_BYTES, _WAIT_SECONDS = 0.5, 150_000_000, 5


@dataclass(frozen=True)
class Trial:
    """One attack as it went: what the sandbox reported of each script, and of the honest neighbour."""

    host: Host
    mark: str
    limits: Limits
    outcomes: tuple[Outcome, ...]
    sibling: Outcome | None

    @property
    def last(self) -> Outcome:
        """The outcome of the script that decides."""
        return self.outcomes[-1]


def said(trial: Trial) -> bool:
    """The script's own word, where only it can know: what it read, or what the kernel let it do."""
    return any(outcome.stdout.rstrip().rpartition(b"\n")[2].startswith(b"succeeded") for outcome in trial.outcomes)


def nothing_to_see(trial: Trial) -> bool:
    """For what succeeds only by leaving something behind, which is looked for after every attack."""
    return False


def unbounded(trial: Trial) -> bool:
    """It got what it wanted and no limit was named."""
    return said(trial) and trial.last.exceeded is None


def overshot(trial: Trial) -> bool:
    """It held far more memory than allowed, or no limit was named."""
    return unbounded(trial) or trial.last.peak_memory_bytes > 2 * trial.limits.memory_bytes


def flooded(trial: Trial) -> bool:
    """The host kept more of the output than allowed, or took it all in."""
    return said(trial) or max(len(trial.last.stdout), len(trial.last.stderr)) > trial.limits.output_bytes


def waited(trial: Trial) -> bool:
    """The host waited for somebody who never comes, or took what is no file."""
    return trial.last.wall_seconds > _WAIT_SECONDS or took(trial)


def leaked(trial: Trial) -> bool:
    """The secret is among what the host took as results."""
    return any(trial.host.secret_text.encode() in data for data in trial.last.outputs.values())


def took(trial: Trial) -> bool:
    """The host took an output that it must refuse."""
    return bool(trial.last.outputs)


def took_too_much(trial: Trial) -> bool:
    """The host took a larger output than allowed."""
    return any(len(data) > trial.limits.disk_bytes for data in trial.last.outputs.values())


def read_as_rows(trial: Trial) -> bool:
    """The host took the rows for good, or broke in reading them."""
    try:
        strict_json_lines(trial.last.outputs["rows.jsonl"])
    except ValueError:
        return False
    return True


def bytes_changed(trial: Trial) -> bool:
    """The host did not keep the output as it was written."""
    return not trial.last.stdout.startswith(ESCAPES) or trial.last.stdout_truncated or not trial.last.ok


def victim_died(trial: Trial) -> bool:
    """The host's process is dead."""
    return not trial.host.victim_lives


def sibling_harmed(trial: Trial) -> bool:
    """The honest job beside it did not end well."""
    return trial.sibling is None or not trial.sibling.ok or trial.sibling.stdout != b"undisturbed\n"


def heard(trial: Trial) -> bool:
    """A server of the host's was reached."""
    return said(trial) or trial.mark.encode() in trial.host.servers.heard


def cache_changed(trial: Trial) -> bool:
    """The host's compiled code is not what it was."""
    return not trial.host.cache_is_clean


def next_rows_changed(trial: Trial) -> bool:
    """The honest run that came next did not measure what it measures alone."""
    return said(trial) or trial.last.outputs.get("rows.jsonl") != trial.host.honest_rows


def time_hidden(trial: Trial) -> bool:
    """The host believes that it took less time than it took."""
    return trial.last.wall_seconds < _WORK_SECONDS or trial.last.cpu_seconds < 0.9 * _WORK_SECONDS


def work_hidden(trial: Trial) -> bool:
    """The host believes that it computed less than it did."""
    return trial.last.cpu_seconds < 0.9 * _WORK_SECONDS


def memory_hidden(trial: Trial) -> bool:
    """The host believes that it held less memory than it held."""
    return trial.last.peak_memory_bytes < _HIDDEN_BYTES
