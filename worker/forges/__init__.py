"""Forges: who sends us deliveries, and how each proves itself. What they say is read by pipelines/deliveries."""

from worker.forges.base import Forge
from worker.forges.bitbucket import Bitbucket
from worker.forges.git import PlainGit
from worker.forges.gitea import Gitea
from worker.forges.github import GitHub
from worker.forges.gitlab import GitLab

_ALL: tuple[Forge, ...] = (GitHub(), GitLab(), Gitea("gitea"), Gitea("forgejo"), Bitbucket(), PlainGit())
FORGES: dict[str, Forge] = {forge.name: forge for forge in _ALL}
