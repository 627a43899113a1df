"""Finds what differs between a solution and an environment, one module for each concern. Pure."""
