"""The pages, one file each; a new one is registered here."""

from fastapi import APIRouter

from evidentia.hub.app.pages import (
    discoveries,
    package,
)

ROUTERS: tuple[APIRouter, ...] = (
    discoveries.router,
    package.router,
)
