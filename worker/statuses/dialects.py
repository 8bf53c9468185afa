"""The forges that take statuses, by the name in `--forge`. Plain git has nowhere to show one."""

from worker.statuses.bitbucket import Bitbucket
from worker.statuses.dialect import Dialect
from worker.statuses.gitea import Gitea
from worker.statuses.github import GitHub
from worker.statuses.gitlab import GitLab

DIALECTS: dict[str, Dialect] = {
    "github": GitHub(),
    "gitlab": GitLab(),
    "gitea": Gitea(),
    "forgejo": Gitea(),
    "bitbucket": Bitbucket(),
}
