"""The interface for programs: one file per resource, gathered here; `documented` describes all of them."""

from fastapi import APIRouter

from evidentia.hub.app.api import (
    arena,
    documented,
    evidence,
    findings,
    jobs,
    judged,
    kernels,
    ledger,
    notes,
    package,
    packages,
    runs,
)

RESOURCES: tuple[APIRouter, ...] = (
    packages.routes,
    package.routes,
    evidence.routes,
    judged.routes,
    findings.routes,
    runs.routes,
    notes.routes,
    arena.routes,
    ledger.routes,
    kernels.routes,
    jobs.routes,
)
ROUTERS: tuple[APIRouter, ...] = (*RESOURCES, documented.router)
