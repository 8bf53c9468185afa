"""Names, values, limits and scopes of secrets."""

import pytest

from pipelines.event import Event, EventKind, PullRequest
from worker.errors import Malformed
from worker.secrets.entrusted import Entrusted, RegistryLogin
from worker.secrets.scope import Scope, scopes_of
from worker.secrets.sealing import Keyring
from worker.secrets.secret import Secret, checked_images, checked_name, checked_registry, checked_value, warning

GLOBAL = Scope.of()


def pull_request(*, from_fork: bool) -> Event:
    return Event(kind=EventKind.PULL_REQUEST, pull_request=PullRequest(number=1, from_fork=from_fork))


def test_without_a_word_a_secret_is_not_for_pull_requests() -> None:
    secret = Secret(scope=GLOBAL, name="token")
    refused = {kind for kind in EventKind if secret.offer(Event(kind=kind)).refusal}
    assert refused == {*(kind for kind in EventKind if kind.is_pull_request), EventKind.LOCAL}


def test_secret_is_for_the_events_it_was_given() -> None:
    secret = Secret(scope=GLOBAL, name="token", events=(EventKind.PULL_REQUEST, EventKind.TAG))
    assert secret.offer(pull_request(from_fork=False)).refusal == ""
    assert secret.offer(Event()).refusal == "it is for pull_request and tag, not for push"


def test_pull_request_from_a_fork_gets_no_secret_whatever_its_events_say() -> None:
    secret = Secret(scope=GLOBAL, name="token", events=tuple(EventKind))
    assert secret.offer(pull_request(from_fork=True)).refusal == "pull requests from forks run without secrets"


def test_name_means_the_same_in_any_case() -> None:
    assert checked_name("Deploy_Key.v2-x") == "deploy_key.v2-x"


@pytest.mark.parametrize("name", ["", "a b", "1st", "a/b", "ä", "a\n", "x" * 101, "$x", "-x"])
def test_name_that_cant_be_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match="can't be a secret's name"):
        checked_name(name)


@pytest.mark.parametrize(("value", "said"), [("", "is empty"), ("a\0hunter2", "zero byte"), ("é" * 50_001, "100,002")])
def test_value_that_no_variable_can_hold_is_refused_without_being_told(value: str, said: str) -> None:
    with pytest.raises(Malformed, match=said) as refused:
        checked_value(value)
    assert "hunter2" not in str(refused.value)


def test_short_value_is_warned_of() -> None:
    assert "not hidden in logs" in warning("abc")
    assert warning("abcd") == ""


def test_registry_is_known_by_the_host_that_images_lead_to() -> None:
    assert checked_registry("Registry.example.org:5000") == "registry.example.org:5000"
    assert checked_registry("index.docker.io") == checked_registry("docker.io") == "docker.io"
    for text in ("", "https://registry.example.org", "a b", "registry", "host:port", "registry.example.org/acme"):
        with pytest.raises(Malformed, match="can't be a registry"):
            checked_registry(text)


@pytest.mark.parametrize("image", ["", "a b", "a\n", "-x", "é", "x" * 256])
def test_image_that_cant_be_is_refused(image: str) -> None:
    with pytest.raises(Malformed, match="can't be an image"):
        checked_images([image])


def test_nearest_scope_comes_first() -> None:
    assert [str(scope) for scope in scopes_of("group/sub/web")] == [
        "repository:group/sub/web", "owner:group/sub", "owner:group", "global",
    ]  # fmt: skip


def test_owner_and_repository_of_one_name_are_two() -> None:
    """GitLab has both: a group `a/b` and a repository `a/b`."""
    owner, repository = Scope.of(owner="a/b"), Scope.of(repository="a/b")
    assert str(owner) != str(repository)
    assert owner not in scopes_of("a/b")


@pytest.mark.parametrize("scope", [Scope.of(), Scope.of(owner="a"), Scope.of(repository="a/b:c")])
def test_scope_is_read_as_it_was_written(scope: Scope) -> None:
    assert Scope.parse(str(scope)) == scope


ENTRUSTED = Entrusted(
    secrets={"token": "s3cr3t"},
    registries={"registry.example.org": RegistryLogin(user="ada", password="pa55word")},
)


def test_what_a_task_is_entrusted_with_opens_for_that_task_alone() -> None:
    keyring = Keyring.fresh()
    sealed = ENTRUSTED.sealed_for("task-1", keyring)
    assert Entrusted.opened(sealed, "task-1", keyring) == ENTRUSTED
    with pytest.raises(Exception, match="belongs elsewhere"):
        Entrusted.opened(sealed, "task-2", keyring)


def test_nothing_is_sealed_as_nothing() -> None:
    assert Entrusted().sealed_for("task-1", Keyring.fresh()) == ""
    assert Entrusted.opened("", "task-1", Keyring.fresh()) == Entrusted()


def test_nothing_of_it_shows_when_it_is_printed() -> None:
    shown = repr(ENTRUSTED) + repr(ENTRUSTED.registries) + repr(ENTRUSTED.logins)
    assert not [value for value in ("s3cr3t", "pa55word") if value in shown]
