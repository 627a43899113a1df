"""Ids of the rows that every new organization has: the same in each, so that a test may name them."""

from __future__ import annotations

from d365ext.emulator.documents.documents import fixed_id


def fixed(*parts: str) -> str:
    """Give the id of a planted row."""
    return fixed_id("row", *parts)


def object_id(user_id: str) -> str:
    """Give the Microsoft Entra object id of a planted user."""
    return fixed_id("entra object", user_id)


ORGANIZATION = fixed("organization")
BUSINESS_UNIT = fixed("businessunit", "root")
ADMINISTRATOR = fixed("systemuser", "administrator")
SYSTEM = fixed("systemuser", "system")
APPLICATION = fixed("systemuser", "application")
APPLICATION_CLIENT = fixed_id("entra application")
TEAM = fixed("team", "root")
CURRENCY = fixed("transactioncurrency", "base")
PUBLISHER = fixed("publisher", "default")
MICROSOFT = fixed("publisher", "microsoft")
ROLE = fixed("role", "system-administrator")
SYSTEM_SOLUTION = fixed("solution", "system")

# The two solutions that every environment has, under these ids [field reports; the documentation names them only].
DEFAULT_SOLUTION = "fd140aaf-4df4-11dd-bd17-0019b9312238"
ACTIVE_SOLUTION = "fd140aae-4df4-11dd-bd17-0019b9312238"
