"""Fixed ids of the components that we make: the same in every environment, so that one can name another."""

from __future__ import annotations

from uuid import UUID, uuid5

NAMESPACE = UUID("f098b723-ac51-5de0-975f-c00ed7b97f3b")
"""The UUIDv5 of `urn:d365ext:solution:PartnerChannel` in the URL namespace."""


def component_id(kind: str, key: str) -> UUID:
    """Give the id of a component.

    >>> component_id("view", "partners")
    UUID('40005ea0-5452-5a4d-984c-f0dfeb11700c')
    """
    return uuid5(NAMESPACE, f"{kind}:{key}")
