"""A remote's address says which repository it is, in each of the forms that git takes."""

import pytest

from pipelines.event import Repository
from runner.source.remotes import likely_page, repository_of


@pytest.mark.parametrize(
    ("address", "forge", "owner", "name"),
    [
        ("https://github.com/acme/app.git", "github.com", "acme", "app"),
        ("https://github.com/acme/app", "github.com", "acme", "app"),
        ("https://GitLab.example:8443/group/sub/app.git/", "gitlab.example", "group/sub", "app"),
        ("git@github.com:acme/app.git", "github.com", "acme", "app"),
        ("gitea.example:group/sub/app", "gitea.example", "group/sub", "app"),
        ("ssh://git@git.example:2222/acme/app.git", "git.example", "acme", "app"),
        ("git://git.example/app.git", "git.example", "", "app"),
        ("/srv/git/app.git", "", "", "app"),
        ("../app.git", "", "", "app"),
        ("file:///srv/git/app.git", "", "", "app"),
        ("https://[half", "", "", "[half"),
        ("", "", "", ""),
    ],
)
def test_address_gives_forge_owner_and_name(address: str, forge: str, owner: str, name: str) -> None:
    found = repository_of(address)
    assert (found.forge, found.owner, found.name) == (forge, owner, name)


@pytest.mark.parametrize(
    ("address", "clone_url"),
    [
        ("https://ann:canary@git.example:8443/o/n.git", "https://git.example:8443/o/n.git"),
        ("https://canary@git.example/o/n.git?canary", "https://git.example/o/n.git"),
        ("ssh://git:canary@git.example/o/n.git", "ssh://git@git.example/o/n.git"),
    ],
)
def test_credentials_in_an_address_go_no_further(address: str, clone_url: str) -> None:
    """The clone URL ends in a variable of every step."""
    found = repository_of(address)
    assert found.clone_url == clone_url
    assert "canary" not in repr(found)


def test_page_is_known_for_web_addresses_alone() -> None:
    assert repository_of("https://git.example/o/n.git").url == "https://git.example/o/n"
    assert repository_of("git@git.example:o/n.git") == Repository(
        owner="o", name="n", forge="git.example", clone_url="git@git.example:o/n.git"
    )


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("git@git.example.org:acme/app.git", "https://git.example.org/acme/app"),
        ("git@git.example.org:group/sub/app", "https://git.example.org/group/sub/app"),
        ("ssh://git@git.example.org:2222/acme/app.git", "https://git.example.org/acme/app"),
        ("git@github-at-work:acme/app.git", ""),
        ("git@git.example.org:/srv/git/acme/app.git", ""),
        ("git@git.example.org:~ann/app.git", ""),
        ("ssh://git@git.example.org/~ann/app.git", ""),
        ("git@git.example.org:app.git", ""),
        ("git://git.example.org/acme/app.git", ""),
        ("https://git.example.org/acme/app.git", ""),
        ("/srv/git/acme/app.git", ""),
        ("", ""),
    ],
)
def test_page_of_an_ssh_address_is_guessed_where_there_is_a_forge(address: str, page: str) -> None:
    assert likely_page(repository_of(address)) == page
