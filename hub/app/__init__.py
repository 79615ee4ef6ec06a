"""The hub's web application: read, review, compare and replay what a workspace holds. Server-rendered, loopback only.

A page is one file in `pages/` with a `router`, one template beside the others, and one line in `pages.ROUTERS`.
"""

from evidentia.hub.app.application import create_app

__all__ = ["create_app"]
