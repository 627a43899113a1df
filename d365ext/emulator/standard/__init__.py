"""The standard tables: data files, one per table, and the reader that turns them into definition documents."""
