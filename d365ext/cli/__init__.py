"""The command line: the only place that prints.

app           the commands, the global options, and the one loop that turns errors into messages and exit codes
invocation    what the program was called with, and the settings and client that follow from it
output        tables, notes, JSON, progress
…_commands    one module per group of commands
doctor, demo  the two that use everything
"""
