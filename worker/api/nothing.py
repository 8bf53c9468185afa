"""Nothing: the 404 below our own paths (`/api/…`), so that no typo is taken for a repository's name; and everywhere the
405, which names all methods of the path.
"""

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from worker.errors import NotFound

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def show_nothing(request: Request) -> Response:
    """404; or 405 with the methods that there are, if the path has some. Raises both."""
    raise not_taken(request)


def not_taken(request: Request) -> HTTPException | NotFound:
    """What is wrong with a request whose method no route of its path takes: a route alone knows only its own."""
    methods = _methods_at(request)
    path = request.url.path[:200]
    if methods:
        detail = f"{path} takes {', '.join(methods)}, and not {request.method}"
        return HTTPException(405, detail, headers={"Allow": ", ".join(methods)})
    return NotFound(f"there is nothing at {path}; see /api/docs")


def _methods_at(request: Request) -> list[str]:
    """The methods of the routes that fit the path; for one of our own, of those below the same first part."""
    first = request.url.path.split("/")[1]
    routes = [route for route in request.app.routes if isinstance(route, Route) and route.endpoint is not show_nothing]
    ours = [route for route in routes if route.path.split("/")[1] == first]
    fitting = [route.methods or set() for route in ours or routes if route.matches(request.scope)[0] is Match.PARTIAL]
    return sorted(set().union(*fitting))
