"""Where a workspace's files come from: git, on a worker and on a laptop."""
