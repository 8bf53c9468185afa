"""Where a badge is, and how a README shows it."""

from urllib.parse import quote

from worker.context import path, repository_path


def badge_path(full_name: str, *, branch: str = "") -> str:
    """The path of the badge of `owner/name`."""
    *owners, name = full_name.split("/")
    return path("badges", *owners, f"{name}.svg") + (f"?branch={quote(branch, safe='')}" if branch else "")


def markdown(server_url: str, full_name: str, *, branch: str = "") -> str:
    """The badge with a link to the repository's page here."""
    page = server_url + repository_path(full_name)
    return f"[![build]({server_url}{badge_path(full_name, branch=branch)})]({page})"
