"""Forges: who sends us deliveries, how each proves itself, and what each one's payload says."""

from worker.forges.base import Forge
from worker.forges.git import PlainGit
from worker.forges.gitea import Gitea
from worker.forges.github import GitHub
from worker.forges.gitlab import GitLab

FORGES: dict[str, Forge] = {forge.name: forge for forge in (GitHub(), GitLab(), Gitea(), PlainGit())}
