"""Where a workspace's files come from: git, on a worker and on a laptop."""

import os

# Where there is no git, GitPython can't even be imported unless it is told this before; we say in one line what to do.
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
