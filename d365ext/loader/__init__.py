"""Brings rows from CSV files into an environment: `<table logical name>.csv`, one per table.

folder      files → rows of text, every mistake of form collected
shapes      what the environment says about the tables and columns that the files name
cells       one cell of text → the value its column wants; pure
check       rows of text → rows to load, every mistake of content collected; nothing is written before this is clean
observed    the rows that the environment has already
order       which rows must stand before which; pure
write       creates, updates
closing     wins, loses and closes, where the platform wants an action for it
load        the whole way, in that order
sample      the sample data of the project, in the same form
"""
