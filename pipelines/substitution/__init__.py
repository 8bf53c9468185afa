"""The `${NAME}` of workflow files."""
