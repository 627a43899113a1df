"""A workshop for cases about definitions: a publisher and a solution of its own, and short ways to say a definition.

Names start with `zzt_`, so that a live run is easy to recognize; everything a case makes is noted in `dv.created`.
"""

from __future__ import annotations

from typing import Any

import requests

from support.dataverse import Dataverse

PREFIX = "zzt"
OPTION_PREFIX = 73790
SOLUTION = "ZztConformance"
ODATA = "Microsoft.Dynamics.CRM."


def label(english: str, **others: str) -> dict[str, Any]:
    """A label: English, and more languages as `_1035="…"`."""
    texts = {1033: english} | {int(code[1:]): text for code, text in others.items()}
    return {
        "@odata.type": f"{ODATA}Label",
        "LocalizedLabels": [
            {"@odata.type": f"{ODATA}LocalizedLabel", "Label": text, "LanguageCode": code}
            for code, text in texts.items()
        ],
    }


def texts(found: dict[str, Any]) -> dict[int, str]:
    """The texts of a label by language."""
    return {each["LanguageCode"]: each["Label"] for each in found["LocalizedLabels"]}


def column(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """A column of a kind (String, Money …) with a name without prefix."""
    return {
        "@odata.type": f"{ODATA}{kind}AttributeMetadata",
        "SchemaName": f"{PREFIX}_{name}",
        "DisplayName": label(name),
        "RequiredLevel": {"Value": "None"},
        **more,
    }


def table(name: str, **more: Any) -> dict[str, Any]:
    """A table, organization-owned unless said, with its primary name column."""
    primary = column("String", "Name", IsPrimaryName=True, MaxLength=100, FormatName={"Value": "Text"})
    return {
        "@odata.type": f"{ODATA}EntityMetadata",
        "SchemaName": f"{PREFIX}_{name}",
        "DisplayName": label(name),
        "DisplayCollectionName": label(f"{name}s"),
        "OwnershipType": "OrganizationOwned",
        "IsActivity": False,
        "HasActivities": False,
        "HasNotes": False,
        "Attributes": [primary],
        **more,
    }


def lookup(name: str, referenced: str, referencing: str, **more: Any) -> dict[str, Any]:
    """A 1:N relationship with its lookup column."""
    return {
        "@odata.type": f"{ODATA}OneToManyRelationshipMetadata",
        "SchemaName": f"{PREFIX}_{referenced}_{referencing}_{name}",
        "ReferencedEntity": referenced,
        "ReferencingEntity": referencing,
        "Lookup": column("Lookup", name),
        **more,
    }


class Workshop:
    """One environment, one throw-away publisher and solution."""

    def __init__(self, dv: Dataverse) -> None:
        self.dv = dv
        self.publisher = dv.create(
            "publishers",
            {
                "uniquename": "zztconformance",
                "friendlyname": "Conformance cases",
                "customizationprefix": PREFIX,
                "customizationoptionvalueprefix": OPTION_PREFIX,
            },
        )
        self.solution = dv.create(
            "solutions",
            {
                "uniquename": SOLUTION,
                "friendlyname": "Conformance cases",
                "version": "1.0.0.0",
                "publisherid@odata.bind": f"/publishers({self.publisher})",
            },
        )

    def send(self, method: str, path: str, json: Any = None, **headers: str | None) -> requests.Response:
        """Send a request that belongs to the solution."""
        named = {"MSCRM.SolutionUniqueName": SOLUTION} | {
            k.replace("__", ".").replace("_", "-"): v for k, v in headers.items()
        }
        return self.dv.send(method, path, json=json, headers=named)

    def post(self, path: str, json: Any, **headers: str | None) -> requests.Response:
        """POST a component into the solution."""
        return self.send("POST", path, json, **headers)

    def made(self, path: str, json: Any) -> str:
        """POST a component that must succeed, and give its id."""
        response = self.post(path, json)
        assert response.status_code == 204, response.text
        return response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")

    def table(self, name: str = "Thing", **more: Any) -> str:
        """Make a table; give its logical name."""
        self.made("EntityDefinitions", table(name, **more))
        return f"{PREFIX}_{name}".lower()

    def column(self, table_name: str, kind: str, name: str, **more: Any) -> str:
        """Make a column; give its logical name."""
        self.made(f"EntityDefinitions(LogicalName='{table_name}')/Attributes", column(kind, name, **more))
        return f"{PREFIX}_{name}".lower()

    def choice(self, name: str = "colours", **options: int | None) -> str:
        """Make a global choice; give its name."""
        body = {
            "@odata.type": f"{ODATA}OptionSetMetadata",
            "Name": f"{PREFIX}_{name}",
            "OptionSetType": "Picklist",
            "DisplayName": label(name),
            "Options": [{"Value": value, "Label": label(text)} for text, value in options.items()],
        }
        self.made("GlobalOptionSetDefinitions", body)
        return f"{PREFIX}_{name}"

    def definition(self, table_name: str, query: str = "") -> dict[str, Any]:
        """Read a table's definition."""
        return self.read(f"EntityDefinitions(LogicalName='{table_name}'){query}")

    def attribute(self, table_name: str, name: str, kind: str = "", query: str = "") -> dict[str, Any]:
        """Read a column's definition, cast to a kind if one is given."""
        cast = f"/{ODATA}{kind}AttributeMetadata" if kind else ""
        return self.read(f"EntityDefinitions(LogicalName='{table_name}')/Attributes(LogicalName='{name}'){cast}{query}")

    def attributes(self, table_name: str) -> dict[str, dict[str, Any]]:
        """Read all columns of a table by logical name."""
        query = "?$select=LogicalName,AttributeType,AttributeOf,IsValidForCreate,IsCustomAttribute"
        found = self.dv.rows(f"EntityDefinitions(LogicalName='{table_name}')/Attributes{query}")
        return {each["LogicalName"]: each for each in found}

    def read(self, path: str) -> dict[str, Any]:
        """GET one thing that must be there."""
        response = self.dv.get(path, Consistency="Strong")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found
