"""The forms of the tables that we add something to, as last edited.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/publish-customizations (RetrieveUnpublishedMultiple:
an edit must begin from the unpublished version, or it undoes somebody's), …/reference/entities/systemform (types 2 main
and 7 quick create; formactivationstate 1 active).
"""

from __future__ import annotations

from uuid import UUID

from d365ext.definitions.solution import Solution
from d365ext.deploy.environment import FoundForm
from d365ext.webapi.client import Client, Row
from d365ext.webapi.query import literal

TYPES = {"main": 2, "quick create": 7}
_WORDS = {number: word for word, number in TYPES.items()}
_COLUMNS = "formid,name,type,objecttypecode,formxml,formactivationstate,iscustomizable"


def read_forms(client: Client, tables: list[str]) -> tuple[FoundForm, ...]:
    """Read the main and quick create forms of `tables`."""
    return tuple(form for table in tables for form in read_forms_of(client, table))


def tables_with_forms(solution: Solution) -> list[str]:
    """List the tables whose forms we add something to."""
    return list(dict.fromkeys(table for addition in solution.forms.values() for table in addition.tables))


def read_forms_of(client: Client, table: str) -> list[FoundForm]:
    """Read the main and quick create forms of a table."""
    where = f"$select={_COLUMNS}&$filter=objecttypecode%20eq%20{literal(table)}"
    edited = client.rows(f"systemforms/Microsoft.Dynamics.CRM.RetrieveUnpublishedMultiple()?{where}")
    wanted = [row for row in edited if row["type"] in _WORDS]
    published = {row["formid"]: row["formxml"] for row in client.rows(f"systemforms?{where}")}
    return [_found(row, published.get(row["formid"], "")) for row in wanted]


def _found(row: Row, published: str) -> FoundForm:
    customizable = row.get("iscustomizable") or {}
    return FoundForm(
        UUID(row["formid"]),
        row["objecttypecode"],
        _WORDS[row["type"]],
        row["name"],
        row["formxml"],
        published,
        is_open=row.get("formactivationstate", 1) == 1 and bool(customizable.get("Value", True)),
    )
