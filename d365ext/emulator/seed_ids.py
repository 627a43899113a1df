"""Ids of the rows that every new organization has: the same in each, so that a test may name them."""

from __future__ import annotations

from .documents import fixed_id

ORGANIZATION = fixed_id("row", "organization")
BUSINESS_UNIT = fixed_id("row", "businessunit", "root")
ADMINISTRATOR = fixed_id("row", "systemuser", "administrator")
SYSTEM = fixed_id("row", "systemuser", "system")
APPLICATION = fixed_id("row", "systemuser", "application")
TEAM = fixed_id("row", "team", "root")
CURRENCY = fixed_id("row", "transactioncurrency", "base")
PUBLISHER = fixed_id("row", "publisher", "default")
ROLE = fixed_id("row", "role", "system-administrator")
DEFAULT_SOLUTION = "fd140aaf-4df4-11dd-bd17-0019b9312238"
"""The Default Solution has this id in every environment. Source: learn.microsoft.com/…/reference/entities/solution
mentions it by its unique name only; the id is from field reports."""
ACTIVE_SOLUTION = "fd140aae-4df4-11dd-bd17-0019b9312238"
SYSTEM_SOLUTION = fixed_id("row", "solution", "system")
