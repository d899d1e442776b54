"""SQL as source: the store's schema, migrations and statements, the sample's tables, the warehouse's queries.

Belongs here: one subject a file, each statement with its name and purpose, and `statements`, which reads such files.
Does not belong here: a connection, or an import of anything else of the project.
"""
