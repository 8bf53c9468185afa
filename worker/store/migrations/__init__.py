"""Migrations: the steps by which a database comes to today's tables, one a file. worker/store/schema.py does them."""
