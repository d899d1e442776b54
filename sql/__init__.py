"""SQL as source: the store schema, its migrations, named statements, and the sample warehouse queries."""
