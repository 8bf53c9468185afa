"""The answer to who asks for a badge: a picture, whatever is asked for.

SECURITY. Everybody may see the badges of repositories that are set so, or that their forge calls public; whoever has an
account all of them. To anybody
else a repository that isn't there and one that isn't shown look the same. A picture of ours holds no script, and its
headers say that it may load nothing.
"""

from hashlib import sha256

from fastapi import Request
from starlette.responses import Response

from worker.access.guard import is_known
from worker.badges.audience import Audience
from worker.badges.drawing import badge, nothing_to_see
from worker.badges.standing import is_for_everybody, standing
from worker.context import Context, Serving
from worker.errors import NotFound
from worker.store import repositories

_LABEL = "build"
_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
}
# Forges' image proxies keep a picture for as long as they may; a minute old is new enough.
_PUBLIC, _PRIVATE = "public, max-age=60, must-revalidate", "private, no-cache"


def show_badge(
    owner: str, name: str, request: Request, context: Serving, branch: str = "", workflow: str = ""
) -> Response:
    """Where a branch stands, or one of its workflows; the default branch unless it is named."""
    try:
        picture, audience = _picture(context, request, f"{owner}/{name}", branch, workflow)
    except NotFound:
        return _answer(request, nothing_to_see(), Audience.PUBLIC, status=404)
    return _answer(request, picture, audience)


def _picture(context: Context, request: Request, full_name: str, branch: str, workflow: str) -> tuple[str, Audience]:
    """Raises NotFound for what is not there, and for what is not for whoever asks."""
    owner, _, name = full_name.rpartition("/")
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
        is_for_all = is_for_everybody(connection, repository)
        if not is_for_all and not is_known(context, request):
            raise NotFound("there is no such badge")
        status = standing(connection, repository.id, branch=branch or repository.default_branch, workflow=workflow)
    return badge(workflow or _LABEL, status), Audience.PUBLIC if is_for_all else Audience.PRIVATE


def _answer(request: Request, picture: str, audience: Audience, *, status: int = 200) -> Response:
    tag = f'"{sha256(picture.encode()).hexdigest()[:32]}"'
    headers = {**_HEADERS, "etag": tag, "cache-control": _PUBLIC if audience is Audience.PUBLIC else _PRIVATE}
    if status == 200 and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(picture, status_code=status, headers=headers, media_type="image/svg+xml")
