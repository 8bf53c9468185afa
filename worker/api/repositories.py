"""Repositories over the API: which are built, how their forges are told, and what is set for each."""

import structlog
from fastapi import Response
from sqlalchemy import Connection

from runner.source.mirrordirectory import forget_mirrors
from worker.api import models
from worker.api.credentials import checked_credential
from worker.api.paging import Paged
from worker.context import Context, Serving
from worker.errors import Malformed
from worker.forges import FORGES
from worker.forgeurl import checked_forge_url
from worker.registration import checked_repository, hook_of, hook_url
from worker.secrets.credential import CredentialKind
from worker.store import credentials, outbox, repositories
from worker.store.repositories import StoredRepository
from worker.trust import checked_trust

log = structlog.get_logger()


def list_repositories(context: Serving, paging: Paged) -> models.Repositories:
    """The repositories, by name."""
    with context.database.read() as connection:
        found, after = paging.page(repositories.every(connection), lambda each: (each.owner, each.name))
    return models.Repositories(repositories=[_repository(context, each) for each in found], after=after)


def show_repository(owner: str, name: str, context: Serving) -> models.Repository:
    """One repository, and what is set for it."""
    with context.database.read() as connection:
        return _repository(context, repositories.named(connection, owner, name))


def add_repository(wanted: models.NewRepository, context: Serving) -> models.Hook:
    """Build a repository from now on; gives what its forge is to be told."""
    if wanted.forge not in FORGES:
        raise Malformed(f"{wanted.forge!r} is no forge: expected {', '.join(FORGES)}")
    repository = checked_repository(**wanted.model_dump())
    with context.database.write() as connection:
        stored = repositories.add(connection, repository, forge=wanted.forge)
    return _hook(context, stored)


def show_hook(owner: str, name: str, context: Serving) -> models.Hook:
    """What a repository's forge is to be told, its secret included."""
    with context.database.read() as connection:
        return _hook(context, repositories.named(connection, owner, name))


def remove_repository(owner: str, name: str, context: Serving) -> Response:
    """Build a repository no more, and forget its runs, with what is on disk of them and of its mirrors here."""
    with context.database.write() as connection:
        run_ids = repositories.run_ids(connection, repositories.named(connection, owner, name).id)
        stored = repositories.remove(connection, owner, name)
    for run_id in run_ids:
        _forget_files(context, run_id)
    forget_mirrors(context.settings.mirrors_directory, stored.clone_url)
    return Response(status_code=204)


def change_repository(owner: str, name: str, wanted: models.RepositorySettings, context: Serving) -> models.Repository:
    """Say what a repository's runs may do, which wait for whom, what its forge is told and shown, who sees its badge.

    All of it, or if something of it can't be, nothing.
    """
    with context.database.write() as connection:
        _set_turns(connection, owner, name, wanted)
        if wanted.trust is not None:
            repositories.set_trust(connection, owner, name, checked_trust(wanted.trust))
        if wanted.approval is not None:
            repositories.set_approval(connection, owner, name, wanted.approval)
        url = None if wanted.forge_url is None else checked_forge_url(wanted.forge_url)
        stored = repositories.set_forge(connection, owner, name, url=url, told=wanted.statuses, badge=wanted.badge)
        _set_credentials(connection, context, stored, wanted)
        if url is not None or CredentialKind.FORGE_TOKEN in wanted.credentials:
            outbox.try_again(connection, stored.id)
    context.announce()
    return _repository(context, stored)


def _set_turns(connection: Connection, owner: str, name: str, wanted: models.RepositorySettings) -> None:
    if wanted.priority is not None:
        repositories.set_priority(connection, owner, name, wanted.priority)
    if wanted.max_runs is not None:
        repositories.set_max_runs(connection, owner, name, wanted.max_runs or None)
    if wanted.supersede is not None:
        repositories.set_supersede(connection, owner, name, wanted.supersede)


def _set_credentials(
    connection: Connection, context: Context, stored: StoredRepository, wanted: models.RepositorySettings
) -> None:
    for kind in wanted.forget:
        credentials.forget(connection, stored.id, kind)
    for kind, given in wanted.credentials.items():
        credential, value = checked_credential(stored, kind, given)
        credentials.put(connection, context.keyring, stored.id, credential, value)


def _forget_files(context: Context, run_id: str) -> None:
    """What can't be removed now is left to the sweep."""
    try:
        context.storage.forget(run_id)
    except OSError as error:
        log.warning("files can't be removed yet", run=run_id, error=str(error))


def _hook(context: Context, repository: StoredRepository) -> models.Hook:
    hook = hook_of(repository, context.settings.url)
    return models.Hook(
        name=repository.full_name,
        hook_url=hook.url,
        secret=hook.secret,
        setup=hook.setup,
        post_receive=hook.post_receive,
    )


def _repository(context: Context, repository: StoredRepository) -> models.Repository:
    return models.Repository(
        name=repository.full_name,
        forge=repository.forge,
        clone_url=repository.clone_url,
        url=context.url(*repository.full_name.split("/")),
        hook_url=hook_url(repository, context.settings.url),
        trust=sorted(repository.trust),
        approval=repository.approval,
        priority=repository.priority,
        max_runs=repository.max_runs,
        supersede=repository.supersede,
        statuses=repository.told,
        forge_url=repository.forge_address,
        status_trouble=repository.status_trouble,
        badge=repository.badge,
        created_at=repository.created_at,
    )
