"""Changes of forms, roles and the app: nouns like those of `change.py`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from d365ext.definitions.roles import Role
from d365ext.deploy.change import Change
from d365ext.deploy.component import APP, FORM, ROLE
from d365ext.deploy.publication import Publication


@dataclass(frozen=True, slots=True)
class EditForm(Change):
    """Put something of ours into a form, or take it out; everything else in it stays as it is."""

    id: UUID
    table: str
    name: str
    before: str = field(repr=False)
    after: str = field(repr=False)
    differences: tuple[str, ...]
    is_leaving: bool = False
    """It is part of an uninstall."""
    sign = "~"

    @property
    def place(self) -> int:
        return 200 - FORM.phase if self.is_leaving else FORM.phase

    @property
    def is_published_at_once(self) -> bool:
        """What a form shows to people cannot be deleted: it must have left the published form before."""
        return self.is_leaving

    @property
    def subject(self) -> str:
        return f"form {self.table} {self.name}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences

    @property
    def publication(self) -> Publication:
        return Publication(tables=frozenset({self.table}))


@dataclass(frozen=True, slots=True)
class EditNewForms(Change):
    """Put our additions into the forms that a new table of ours comes with."""

    table: str
    type: str
    sign = "~"
    order = FORM.phase

    @property
    def subject(self) -> str:
        return f"forms of {self.table}"

    @property
    def remark(self) -> str:
        return f"{self.type}, as they come with the table"

    @property
    def publication(self) -> Publication:
        return Publication(tables=frozenset({self.table}))


@dataclass(frozen=True, slots=True)
class AppMember:
    """A table, view, chart, dashboard or site map that the app shows or uses."""

    what: str
    """For people: "view partners"."""
    table: str
    """The table of the row below, or the table itself to be shown (then there is no `id_column`)."""
    id_column: str = ""
    id: UUID | None = None
    """None where it is not known before the row is made."""


@dataclass(frozen=True, slots=True)
class AddToApp(Change):
    """Let the app show what it does not show yet."""

    app_id: UUID
    app: str
    members: tuple[AppMember, ...]
    sign = "~"
    order = APP.phase + 1

    @property
    def subject(self) -> str:
        return f"app {self.app}"

    @property
    def details(self) -> tuple[str, ...]:
        return tuple(f"shows {member.what}" for member in self.members)

    @property
    def publication(self) -> Publication:
        return Publication(apps=frozenset({self.app_id}))


@dataclass(frozen=True, slots=True)
class CreateRole(Change):
    """Make a security role with its privileges."""

    role: Role
    privileges: tuple[tuple[str, str], ...]
    """Privilege names and depths."""
    order = ROLE.phase

    @property
    def subject(self) -> str:
        return f"role {self.role.name}"

    @property
    def remark(self) -> str:
        return f"{len(self.privileges)} privileges"


@dataclass(frozen=True, slots=True)
class ModifyRole(Change):
    """Give a security role the name and privileges that we declare; others that it has stay."""

    role: Role
    privileges: tuple[tuple[str, str], ...]
    """Those that are missing or reach not as declared."""
    differences: tuple[str, ...]
    sign = "~"
    order = ROLE.phase

    @property
    def subject(self) -> str:
        return f"role {self.role.name}"

    @property
    def details(self) -> tuple[str, ...]:
        return self.differences


@dataclass(frozen=True, slots=True)
class OpenAppTo(Change):
    """Let a role open the app."""

    app_id: UUID
    role_id: UUID
    role: str
    order = ROLE.phase + 1

    @property
    def subject(self) -> str:
        return f"role {self.role} may open the app"
