"""Reads from the environment what the solution declares, one module for each concern."""
