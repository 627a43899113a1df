"""The numbers of quotes and orders: QUO-01000-X1Y2Z3, counted by the organization.

Source: table references, quote.quotenumber and salesorder.ordernumber ("… number for customer reference and searching
capabilities", filled where a client leaves them out) and organization.quoteprefix, orderprefix, currentquotenumber,
currentordernumber, uniquespecifierlength. Inferred: the first number is 1000, the specifier six letters or digits.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from .schema import Table
from .session import Session

_NUMBERED = {"quote": ("quotenumber", "QUO"), "salesorder": ("ordernumber", "ORD")}


def fill(session: Session, table: Table, values: dict[str, Any]) -> None:
    """Give a new quote or order its number, unless it has one."""
    column, prefix = _NUMBERED[table.logical]
    if values.get(column) is None:
        (number,) = session.raw.execute(
            "insert into _counter values (?, 1000) on conflict (name) do update set value = value + 1 returning value",
            (column,),
        ).fetchone()
        values[column] = f"{prefix}-{number:05d}-{uuid4().hex[:6].upper()}"
