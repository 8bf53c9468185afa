"""The language as a table: every key once, with its form, its meaning and an example; all else is made from it."""
