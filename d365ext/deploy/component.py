"""Components that are rows (views, charts, dashboards, scripts …) as one shape: what to write, what to compare.

Pure. `components_of` turns the solution's definitions into them.
Source: learn.microsoft.com/power-apps/developer/data-platform/reference/entities/solutioncomponent (component types).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from d365ext.deploy.environment import Texts
from d365ext.deploy.publication import Publication


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of component: where its rows live and what it is called."""

    word: str
    entity_set: str
    table: str
    id_column: str
    component_type: int
    phase: int
    """When it is made: after the kinds with a lower one, which it may name."""


VIEW = Kind("view", "savedqueries", "savedquery", "savedqueryid", 26, phase=10)


@dataclass(frozen=True, slots=True)
class Component:
    """One such row as declared."""

    kind: Kind
    id: UUID
    key: str
    """What people call it: the name of its file."""
    table: str
    """The table it belongs to; nothing for a dashboard or a script."""
    texts: Mapping[str, Texts]
    """Its attributes that have a text in each language."""
    columns: Mapping[str, Any]
    """Its other columns as the wire has them."""
    xml: frozenset[str] = field(default_factory=frozenset)
    """Those of `columns` that are XML: compared by meaning."""
    create_only: Mapping[str, Any] = field(default_factory=dict)
    """Columns that are set at creation and cannot be changed."""
    publication: Publication = field(default_factory=Publication)
