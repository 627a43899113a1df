"""What a run needs to know of the environment as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from d365ext.names import EntitySetName
from d365ext.webapi.client import Client
from d365ext.webapi.query import Query


@dataclass(frozen=True, slots=True)
class Organization:
    """Its id, and its base currency, in which every amount of pch_pipeline is.

    Source:  learn.microsoft.com/…/data-platform/transaction-currency-currency-entity (one base currency, fixed when the
             organization is made).
    """

    id: UUID
    currency: UUID


def read_organization(client: Client) -> Organization:
    """Ask the environment. One GET."""
    query = Query(EntitySetName("organizations"), select=("organizationid", "_basecurrencyid_value"))
    (row,) = client.rows(query)
    return Organization(UUID(row["organizationid"]), UUID(row["_basecurrencyid_value"]))
