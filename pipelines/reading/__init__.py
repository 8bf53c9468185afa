"""Reading: from the bytes of a file to a tree of nodes that the table of the language can be laid over."""
