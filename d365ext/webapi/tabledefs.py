"""Definitions of tables, columns, relationships, keys and choices, as JSON over the Web API.

Knows where they live and how they are written; what they should say is not its matter.
Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/use-web-api-metadata (the sets, their keys),
…/create-update-entity-definitions-using-web-api (PUT of the whole definition, MSCRM.MergeLabels),
…/create-update-optionsets (options are written by actions).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from d365ext.errors import DuplicateKey, Rejected, RowNotFound
from d365ext.webapi.client import Client, Json

_TYPE = "Microsoft.Dynamics.CRM."

# Another node may answer a read right after a write from its cache; Microsoft's samples of metadata writes send this.
# Source: microsoft/PowerApps-Samples, dataverse/webapi/CSharp-NETx/WebAPIService (CreateEntityKeyRequest).
_FRESH = {"Consistency": "Strong"}


def table_address(name: str) -> str:
    """Say where the definition of a table lives.

    >>> table_address("account")
    "EntityDefinitions(LogicalName='account')"
    """
    return f"EntityDefinitions(LogicalName='{name}')"


def column_address(table: str, column: str, kind: str = "") -> str:
    """Say where the definition of a column lives; `kind` casts to its type, e.g. "MoneyAttributeMetadata"."""
    cast = f"/{_TYPE}{kind}" if kind else ""
    return f"{table_address(table)}/Attributes(LogicalName='{column}'){cast}"


def columns_address(table: str, kind: str) -> str:
    """Say where the definitions of all columns of one type live."""
    return f"{table_address(table)}/Attributes/{_TYPE}{kind}"


def key_address(table: str, key: str) -> str:
    """Say where the definition of an alternate key lives."""
    return f"{table_address(table)}/Keys(LogicalName='{key}')"


def choice_address(name: str) -> str:
    """Say where the definition of a global choice lives."""
    return f"GlobalOptionSetDefinitions(Name='{name}')"


def relationship_address(name: str) -> str:
    """Say where the definition of a relationship lives."""
    return f"RelationshipDefinitions(SchemaName='{name}')"


def read_definition(client: Client, address: str) -> Json | None:
    """Read one definition; None if there is none."""
    try:
        return client.get(address, headers=_FRESH)
    except RowNotFound:
        return None


def read_definitions(client: Client, address: str) -> list[Json]:
    """Read a set of definitions: all of them at once, there is no paging.

    Errors:  RowNotFound if what they belong to is not there.
    """
    found: list[Json] = client.get(address, headers=_FRESH)["value"]
    return found


def create_definition(client: Client, into: str, definition: Mapping[str, Any], *, address: str, solution: str) -> None:
    """Create a definition in a solution; it will live at `address`.

    Effects: one POST; sent again after a lost reply, and done if the definition is found to be there then.
    """
    headers = {"MSCRM.SolutionUniqueName": solution, **_FRESH}
    try:
        client.send("POST", into, json=definition, headers=headers, repeatable=True)
    except (DuplicateKey, Rejected) as refusal:
        if not refusal.after_lost_reply or read_definition(client, address) is None:
            raise


def change_definition(
    client: Client,
    address: str,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    cast: str = "",
    solution: str | None,
) -> None:
    """Change a definition: read it whole, change it, write it whole, keep the labels of other languages.

    `cast` is the type that a column must be read as to show all its properties; the write is not cast.

    Effects: one GET, one PUT; safe to repeat.
    Source:  …/create-update-entity-definitions-using-web-api ("you must include all the existing properties").
    """
    whole = client.get(f"{address}/{_TYPE}{cast}" if cast else address, headers=_FRESH)
    whole.pop("@odata.context", None)
    if cast:
        whole.setdefault("@odata.type", f"{_TYPE}{cast}")
    into = {"MSCRM.SolutionUniqueName": solution} if solution else {}
    headers = {"MSCRM.MergeLabels": "true", **into, **_FRESH}
    client.send("PUT", address, json=change(whole), headers=headers)


def delete_definition(client: Client, address: str) -> None:
    """Delete a definition; it is well if it is not there."""
    try:
        client.delete(address)
    except RowNotFound:
        return


def add_option(client: Client, where: Mapping[str, str], option: Mapping[str, Any], *, solution: str) -> None:
    """Add an option to a choice: to `{"OptionSetName": …}` or `{"EntityLogicalName": …, "AttributeLogicalName": …}`.

    Effects: one POST, sent again after a lost reply; a refusal of the second is taken to say that the first was done.
    Source:  …/create-update-optionsets (InsertOptionValue).
    """
    try:
        client.invoke("InsertOptionValue", {**where, **option, "SolutionUniqueName": solution}, repeatable=True)
    except (DuplicateKey, Rejected) as refusal:
        if not refusal.after_lost_reply:
            raise


def relabel_option(client: Client, where: Mapping[str, str], option: Mapping[str, Any], *, solution: str) -> None:
    """Give an option another label; labels of other languages stay. Safe to repeat.

    Source:  …/create-update-optionsets (UpdateOptionValue, MergeLabels).
    """
    body = {**where, **option, "MergeLabels": True, "SolutionUniqueName": solution}
    client.invoke("UpdateOptionValue", body, repeatable=True)


def provisioned_languages(client: Client) -> list[int]:
    """List the languages that the environment has.

    Source:  …/webapi/reference/retrieveprovisionedlanguages.
    """
    found: list[int] = client.call("RetrieveProvisionedLanguages()")["RetrieveProvisionedLanguages"]
    return found


def base_language(client: Client) -> int:
    """Give the language that the environment was made in.

    Source:  …/reference/entities/organization (`languagecode`).
    """
    (organization,) = client.rows("organizations?$select=languagecode")
    return int(organization["languagecode"])


def filter_option(condition: str) -> str:
    """Write `$filter` for the address of a set of definitions."""
    return "$filter=" + quote(condition, safe="(),'/")
