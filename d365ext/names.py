"""The names and ids of Dataverse, each its own type, so that one cannot be passed for another.

Source: learn.microsoft.com/power-apps/developer/data-platform/entity-metadata ("LogicalName", "SchemaName",
"EntitySetName").
"""

from __future__ import annotations

from typing import NewType
from uuid import UUID

LogicalName = NewType("LogicalName", str)
"""Of a table or column, all lower case: `account`, `pch_salespartnerid`."""

SchemaName = NewType("SchemaName", str)
"""As its maker wrote it: `Account`, `pch_SalesPartnerId`. Navigation properties of custom lookups are spelled so."""

EntitySetName = NewType("EntitySetName", str)
"""Of a table in addresses: `accounts`, `opportunities`."""

RowId = NewType("RowId", UUID)
"""The primary key of a row."""

LanguageCode = NewType("LanguageCode", int)
"""A Windows LCID: 1033 English, 1035 Finnish, 1053 Swedish."""
