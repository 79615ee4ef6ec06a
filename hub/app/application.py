"""The application: pages, programs' interface and static files behind one guard, with one sentence for every fault."""

from __future__ import annotations

import errno

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic_core import PydanticSerializationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from evidentia import __version__
from evidentia.errors import BadInputError, EvidentiaError
from evidentia.hub.app import api
from evidentia.hub.app.guard import Guard
from evidentia.hub.app.pages import ROUTERS
from evidentia.hub.app.rendering import STATIC, render
from evidentia.hub.app.session import Session
from evidentia.workspace.home import Workspace

COMPRESSED_FROM = 1000


def create_app(workspace: Workspace, token: str, port: int) -> FastAPI:
    """The application over a workspace. `token` lets a person or a program write; `port` is the one it is served at,
    which requests must name."""
    app = FastAPI(title="Evidentia", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.workspace = workspace
    app.state.session = Session(token, port)
    for router in (*ROUTERS, *api.ROUTERS):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(EvidentiaError, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _told)
    for damage in (OSError, RecursionError, PydanticSerializationError):
        app.add_exception_handler(damage, _told)
    app.add_exception_handler(Exception, _told)
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM)
    app.add_middleware(Guard, port=port, session=app.state.session)
    return app


def _told(request: Request, error: Exception) -> Response:
    """A fault as one sentence: a page, or JSON for programs."""
    status, sentence = _sentence(error)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": sentence}, status)
    return render(request, "fault.html", status=status, sentence=sentence)


def _sentence(error: Exception) -> tuple[int, str]:
    if isinstance(error, BadInputError):
        text = str(error)
        return (404 if text.startswith(("no ", "there is no ")) else 400), text
    if isinstance(error, EvidentiaError):
        return 409, str(error)
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail)
    if isinstance(error, RequestValidationError):
        fault = error.errors()[0]
        return 422, f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return 404, "nothing here has so long a name"
    if isinstance(error, OSError) and error.filename:
        return 409, f"{error.filename} cannot be read: {error.strerror}"
    if isinstance(error, RecursionError):
        return 409, "a file of this page is nested too deeply to be read; verify the package, or the run"
    if isinstance(error, PydanticSerializationError):
        return 409, "something that is stored here is not text; verify the package, or the run"
    return 500, "something went wrong here; the server's terminal tells what"
