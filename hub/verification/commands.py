"""Re-running what a person ran as themselves: only a script that was recorded whole can be run again in a sandbox."""

from __future__ import annotations

import re
from dataclasses import replace

from evidentia.hub.verification.opened import ROWS, Opened
from evidentia.sandbox import Outcome
from evidentia.sandbox.rows import gather_rows
from evidentia.workspace.records import OWN_COMMAND, Run

NOT_AGAIN = "not re-runnable: recorded from a person's command"
NO_RUN = "not re-runnable: it holds no run"
_WHOLE = re.compile(r"^# Grounding: transcribed", re.M)


def own_command(run: Run) -> bool:
    """Whether a person ran this as themselves, outside any sandbox."""
    return run.evidence.environment.sandbox == OWN_COMMAND


def not_again(package: Opened, index: int) -> str | None:
    """Why a run of a person's own command cannot be repeated from the package; None if it can be tried.

    A script that was recorded word for word is marked as transcribed; for any other command the package holds a
    reconstruction for people, which a sandbox must not run.
    """
    entry, run = package.entries[index]
    if not own_command(run) or _WHOLE.search(package.text(entry.script)):
        return None
    return NOT_AGAIN


def with_printed_rows(run: Run, outcome: Outcome) -> Outcome:
    """The outcome with the rows found as they were when the command was recorded: in its files or its output."""
    if ROWS in outcome.outputs or ROWS not in run.evidence.outputs or ROWS in run.experiment.outputs:
        return outcome
    found = gather_rows(outcome.outputs, outcome.stdout)
    return replace(outcome, outputs={**outcome.outputs, ROWS: found}) if found else outcome
