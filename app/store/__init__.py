"""The store: what outlives the process, in SQLite or PostgreSQL.

`engine` runs statements safely under cancellation, `migrations` brings the schema up to date; the modules beside them
hold the queries, one module per subject.
"""
