"""Nothing: the 404, or 405, below our own paths (`/api/…`), so that no typo is taken for a repository's name."""

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from worker.errors import NotFound

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def show_nothing(request: Request) -> Response:
    """404; or 405 with the methods that there are, if the path has some. Raises both."""
    methods = _methods_at(request)
    path = request.url.path[:200]
    if methods:
        detail = f"{path} takes {', '.join(methods)}, and not {request.method}"
        raise HTTPException(405, detail, headers={"Allow": ", ".join(methods)})
    raise NotFound(f"there is nothing at {path}; see /api/docs")


def _methods_at(request: Request) -> list[str]:
    """The methods of the routes below the same first part that fit the path."""
    ours = f"/{request.url.path.split('/')[1]}/"
    routes = [route for route in request.app.routes if isinstance(route, Route) and route.path.startswith(ours)]
    fitting = [route.methods or set() for route in routes if route.matches(request.scope)[0] is Match.PARTIAL]
    return sorted(set().union(*fitting))
