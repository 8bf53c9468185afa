"""Keys to clone with: which are taken, and which hosts they are shown to."""

import subprocess
from pathlib import Path

import pytest

from worker.errors import Malformed
from worker.secrets.clonekey import checked_known_hosts, fresh_key, read_key, ssh_host
from worker.secrets.credential import Owner, clone_key, clone_token, forge_token

HOSTS = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SSH = Owner(full_name="acme/web", forge="gitea", clone_url="git@git.example.org:acme/web.git")
HTTPS = Owner(full_name="acme/web", forge="gitea", clone_url="https://git.example.org/acme/web.git")


def made_by_ssh(directory: Path, *options: str) -> tuple[str, str]:
    path = directory / "key"
    subprocess.run(["ssh-keygen", "-q", "-C", "me", "-f", str(path), *options], check=True)
    return path.read_text(), path.with_name("key.pub").read_text()


def public_half(directory: Path, private: str) -> str:
    """What ssh itself takes for it."""
    path = directory / "private"
    path.touch(0o600)
    path.write_text(private)
    done = subprocess.run(["ssh-keygen", "-y", "-f", str(path)], check=True, capture_output=True, text=True)
    return " ".join(done.stdout.split()[:2])


def test_new_key_is_one_that_ssh_reads(tmp_path: Path) -> None:
    key = fresh_key("headrace acme/web")
    assert key.public == f"{public_half(tmp_path, key.private)} headrace acme/web"
    assert fresh_key("").private != fresh_key("").private
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ed25519", "-N", ""),
        ("-t", "ecdsa", "-N", ""),
        ("-t", "rsa", "-b", "2048", "-N", ""),
        ("-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM"),
    ],
)
def test_key_that_ssh_made_is_taken(tmp_path: Path, options: tuple[str, ...]) -> None:
    private, public = made_by_ssh(tmp_path, *options)
    key = read_key(private, "ours")
    assert key.public.split()[:2] == public.split()[:2]
    assert public_half(tmp_path, key.private) == " ".join(public.split()[:2])


def test_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    private, _ = made_by_ssh(tmp_path, "-t", "ed25519", "-N", "hunter22")
    with pytest.raises(Malformed, match="has a passphrase"):
        read_key(private, "")


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "-----BEGIN X-----"])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(Malformed, match=r"^what was given is no private key that ssh can use$"):
        read_key(text, "")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("git@git.example.org:acme/web.git", "git.example.org"),
        ("ssh://git@git.example.org/acme/web.git", "git.example.org"),
        ("ssh://git@git.example.org:2222/acme/web.git", "[git.example.org]:2222"),
        ("ssh://git@git.example.org:22/acme/web.git", "git.example.org"),
        ("/srv/web.git", ""),
        ("https://git.example.org/acme/web.git", ""),
    ],
)
def test_host_of_an_ssh_address_is_known(url: str, host: str) -> None:
    assert ssh_host(url) == host


def test_known_hosts_must_have_the_host() -> None:
    assert checked_known_hosts(f"# ours\n\n{HOSTS} comment\n", clone_url=SSH.clone_url) == f"{HOSTS} comment"
    for text in ("", HOSTS.replace("git.", "other.")):
        with pytest.raises(Malformed, match=r"lack git.example.org: `ssh-keyscan git.example.org` prints"):
            checked_known_hosts(text, clone_url=SSH.clone_url)
    with pytest.raises(Malformed, match=r"ssh-keyscan -p 2222 git.example.org"):
        checked_known_hosts(HOSTS, clone_url="ssh://git@git.example.org:2222/acme/web.git")


@pytest.mark.parametrize("line", ["git.example.org", "-oProxyCommand=x ssh-ed25519", f"{HOSTS}\nwhat is this"])
def test_line_that_is_no_host_is_refused(line: str) -> None:
    with pytest.raises(Malformed, match="have a line that is none"):
        checked_known_hosts(line, clone_url=SSH.clone_url)


def test_each_kind_is_for_its_addresses() -> None:
    for url in (SSH.clone_url, "ssh://git@git.example.org/web.git", "/srv/web.git"):
        with pytest.raises(Malformed, match="a clone token is for an https:// clone URL"):
            clone_token(Owner(full_name="acme/web", forge="git", clone_url=url), "token")
    with pytest.raises(Malformed, match="a clone key is for an ssh clone URL"):
        clone_key(HTTPS, None, known_hosts=HOSTS)


def test_plain_git_needs_no_token_for_an_api_that_it_does_not_have() -> None:
    with pytest.raises(Malformed, match="nowhere to show a status"):
        forge_token(Owner(full_name="acme/web", forge="git", clone_url="/srv/web.git"), "token")


def test_who_a_token_belongs_to_is_the_forges_habit_unless_it_is_said() -> None:
    assert clone_token(HTTPS, "t\n")[0].name == "oauth2"
    credential, value = clone_token(HTTPS, " t \n", user="ada")
    assert (credential.name, value) == ("ada", "t")


@pytest.mark.parametrize("text", ["", " \n", "two words", "two\nlines", "smörgås", "x" * 5000])
def test_what_no_header_can_hold_is_no_token(text: str) -> None:
    with pytest.raises(Malformed, match="can't be a token") as raised:
        forge_token(HTTPS, text)
    assert not text.strip() or text not in str(raised.value)
