"""What was read from the files before it is known whether it holds together: each part with the place it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from d365ext.definitions.app import App
from d365ext.definitions.charts import Chart
from d365ext.definitions.columns import Choice
from d365ext.definitions.dashboards import Dashboard
from d365ext.definitions.forms import FormAddition
from d365ext.definitions.parts import Rules
from d365ext.definitions.roles import Role
from d365ext.definitions.rollups import Rollups
from d365ext.definitions.scripts import Script
from d365ext.definitions.solution import Publisher, SolutionHead
from d365ext.definitions.tables import ColumnMapping, Relationship, Table
from d365ext.definitions.tomlfile import Place, TomlFile
from d365ext.definitions.validation import Mistakes
from d365ext.definitions.views import View

PartT_co = TypeVar("PartT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Placed(Generic[PartT_co]):
    """A part, and where it stands."""

    part: PartT_co
    file: TomlFile
    place: Place = ()


@dataclass(slots=True)
class Draft:
    """The parts of a folder that could be read, and the mistakes in and between them."""

    folder: Path
    mistakes: Mistakes
    publisher: Publisher
    solution: SolutionHead
    rules: Rules
    rollups: Rollups | None = None
    choices: dict[str, Placed[Choice]] = field(default_factory=dict)
    tables: dict[str, Placed[Table]] = field(default_factory=dict)
    relationships: dict[str, Placed[Relationship]] = field(default_factory=dict)
    mappings: list[Placed[ColumnMapping]] = field(default_factory=list)
    views: dict[str, Placed[View]] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    forms: dict[str, Placed[FormAddition]] = field(default_factory=dict)
    charts: dict[str, Placed[Chart]] = field(default_factory=dict)
    dashboards: dict[str, Placed[Dashboard]] = field(default_factory=dict)
    roles: dict[str, Placed[Role]] = field(default_factory=dict)
    app: Placed[App] | None = None
    unread: set[str] = field(default_factory=set)
    """Files that hold mistakes of their own, as written under the folder: what they would say is not known."""

    def refuse(self, of: Placed[object], message: str, *inside: str | int, hint: str = "", below: int = 0) -> None:
        """Note a mistake `inside` a part."""
        self.mistakes.add(of.file.mistake(message, (*of.place, *inside), hint=hint, below=below))
