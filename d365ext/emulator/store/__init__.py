"""SQLite: the file, its transactions, the schema that definitions make, the template of a plain organization."""
