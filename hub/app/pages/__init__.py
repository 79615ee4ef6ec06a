"""The pages, one file each; a new one is registered here."""

from fastapi import APIRouter

from evidentia.hub.app.pages import (
    discoveries,
    jobs,
    package,
    package_files,
)

ROUTERS: tuple[APIRouter, ...] = (
    discoveries.router,
    jobs.router,
    package_files.router,
    package.router,
)
