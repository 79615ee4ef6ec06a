"""Background jobs: how each goes on, and the end of what it printed."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict

from evidentia.hub.app import jobs
from evidentia.hub.app.api.answers import router
from evidentia.hub.app.job_output import clean, opened
from evidentia.hub.app.session import Home

routes = router("Jobs", "/jobs")
LAST = 8_000
"""Bytes of a job's output that are shown."""


class Job(BaseModel):
    """A job: a command of `evidentia`, its state and, once it has ended, its exit code."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    title: str
    arguments: tuple[str, ...]
    started: str
    state: str
    exit_code: int | None
    ended: str | None


class Shown(Job):
    """A job with the end of its output."""

    output: str


@routes.get("", response_model=list[Job])
def every(home: Home) -> list[Any]:
    """The jobs, newest first."""
    return [Job.model_validate(found) for found in jobs.jobs(home)]


@routes.get("/{job}")
def one(home: Home, job: Annotated[str, Path(max_length=60)]) -> Shown:
    """One job with the end of its output."""
    found = jobs.job(home, job)
    try:
        with opened(found.log) as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - LAST))
            output = clean(log.read(LAST))
    except OSError:
        output = ""
    return Shown(**Job.model_validate(found).model_dump(), output=output)
