"""Secrets: how they are sealed, who may see which, and where the key comes from."""
