"""The metadata: that of the database, in which every table is declared."""

from sqlalchemy import MetaData

metadata = MetaData()
