"""Deliveries: what each forge's webhooks say, read to Events. Pure: a server and a laptop read the same way.

That a delivery is really the forge's has been proved before, or is no matter: worker/forges does that.
"""

from pipelines.deliveries.bitbucket import Bitbucket
from pipelines.deliveries.git import PlainGit
from pipelines.deliveries.gitea import Gitea
from pipelines.deliveries.github import GitHub
from pipelines.deliveries.gitlab import GitLab
from pipelines.deliveries.reading import Reader

READERS: dict[str, Reader] = {
    "github": GitHub(),
    "gitlab": GitLab(),
    "gitea": Gitea("gitea"),
    "forgejo": Gitea("forgejo"),
    "bitbucket": Bitbucket(),
    "git": PlainGit(),
}
