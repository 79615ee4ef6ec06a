"""The pages, one file each; a new one is registered here."""

from fastapi import APIRouter

from evidentia.hub.app.pages import (
    arena,
    compare,
    discoveries,
    jobs,
    ledger,
    lessons,
    package,
    package_files,
    replay,
    review,
    run,
    runs,
    steering,
    tensions,
    tree,
)

ROUTERS: tuple[APIRouter, ...] = (
    arena.router,
    compare.router,
    discoveries.router,
    jobs.router,
    ledger.router,
    lessons.router,
    package_files.router,
    package.router,
    runs.router,
    run.router,
    steering.router,
    tensions.router,
    review.router,
    tree.router,
    replay.router,
)
