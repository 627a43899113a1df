"""A client of the Dataverse Web API: sign-in, one patient transport, rows, queries, batches, bulk, changes.

Knows nothing of partners, solutions or syncs. Never prints.
"""
