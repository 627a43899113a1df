"""The way in: HTTP, batches, callers, limits, faults to order, the trace and the admin routes."""
