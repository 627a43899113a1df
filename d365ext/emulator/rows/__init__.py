"""One row: from a request to SQLite and back, with every check and every column that the platform writes itself."""
