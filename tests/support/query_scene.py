"""Rows for conformance cases of queries: companies and people under one tag, so that a live run sees only its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from support.dataverse import Dataverse


@dataclass
class Scene:
    """Three accounts and three contacts; every name begins with `tag`, and `mine` is the filter that finds them."""

    dv: Dataverse
    tag: str = field(default_factory=lambda: f"q{uuid4().hex[:8]}")
    accounts: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the rows."""
        for key, row in {
            "aiti": {"name": f"{self.tag} Äiti Oy", "revenue": 20000, "numberofemployees": 10, "creditonhold": True},
            "brink": {"name": f"{self.tag} Brink 50% Ltd", "revenue": 0.5, "numberofemployees": 200},
            "capek": {"name": f"{self.tag} Čapek", "numberofemployees": 3000},
        }.items():
            self.accounts[key] = self.dv.create("accounts", row)
        for key, title, company in (("anna", "CEO", "aiti"), ("bo", "ceo", "aiti"), ("cy", None, "brink")):
            bind = f"/accounts({self.accounts[company]})"
            person = {"firstname": key.title(), "lastname": self.tag, "jobtitle": title}
            self.contacts[key] = self.dv.create("contacts", {**person, "parentcustomerid_account@odata.bind": bind})
        lead = {"primarycontactid@odata.bind": f"/contacts({self.contacts['anna']})"}
        assert self.dv.patch(f"accounts({self.accounts['aiti']})", lead).status_code == 204

    @property
    def mine(self) -> str:
        """The $filter that finds the accounts of this scene and no others."""
        return f"startswith(name,'{self.tag}')"

    def found(self, where: str, options: str = "", **headers: str) -> list[str]:
        """The keys of the accounts that a $filter finds, by name."""
        every = {row_id: key for key, row_id in self.accounts.items()}
        filtered = quote(f"{self.mine} and ({where})", safe="")
        rows = self.dv.rows(f"accounts?$select=name&$orderby=name&$filter={filtered}{options}", **headers)
        return [every[row["accountid"]] for row in rows]

    def row(self, key: str, options: str, **headers: str) -> dict[str, Any]:
        """One account."""
        response = self.dv.get(f"accounts({self.accounts[key]})?{options}", **headers)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def fetch(self, xml: str, of: str = "accounts", options: str = "", **headers: str) -> dict[str, Any]:
        """The answer to a FetchXML query."""
        response = self.dv.get(f"{of}?fetchXml={quote(xml, safe='')}{options}", **headers)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body
