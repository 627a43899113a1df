"""Global choices: those that we declare, and the names of others with our prefix.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api (GlobalOptionSetDefinitions
takes no $filter).
"""

from __future__ import annotations

from uuid import UUID

from d365ext.definitions.columns import Choice
from d365ext.definitions.solution import Solution
from d365ext.deploy.codec.tables import from_choice
from d365ext.deploy.environment import Found, Languages
from d365ext.webapi.client import Client
from d365ext.webapi.tabledefs import choice_address, read_definition, read_definitions

_CAST = "/Microsoft.Dynamics.CRM.OptionSetMetadata"


def read_choices(client: Client, solution: Solution, languages: Languages) -> dict[str, Found[Choice]]:
    """Read every global choice with our prefix."""
    listed = read_definitions(client, "GlobalOptionSetDefinitions?$select=Name,IsManaged")
    ours = [each["Name"] for each in listed if each["Name"].startswith(f"{solution.publisher.prefix}_")]
    found = {}
    for name in ours:
        definition = read_definition(client, choice_address(name) + _CAST)
        if definition is not None:
            is_managed = bool(definition.get("IsManaged"))
            found[name] = Found(from_choice(definition, languages), UUID(definition["MetadataId"]), is_managed)
    return found
