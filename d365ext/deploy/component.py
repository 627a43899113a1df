"""Components that are rows (views, charts, dashboards, scripts …) as one shape: what to write, what to compare.

Pure. `rows.components_of` turns the solution's definitions into them.
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


SCRIPT = Kind("script", "webresourceset", "webresource", "webresourceid", 61, phase=10)
VIEW = Kind("view", "savedqueries", "savedquery", "savedqueryid", 26, phase=11)
CHART = Kind("chart", "savedqueryvisualizations", "savedqueryvisualization", "savedqueryvisualizationid", 59, phase=12)
FORM = Kind("form", "systemforms", "systemform", "formid", 60, phase=13)
DASHBOARD = Kind("dashboard", "systemforms", "systemform", "formid", 60, phase=14)
SITE_MAP = Kind("site map", "sitemaps", "sitemap", "sitemapid", 62, phase=15)
APP = Kind("app", "appmodules", "appmodule", "appmoduleid", 80, phase=16)
ROLE = Kind("role", "roles", "role", "roleid", 20, phase=18)


@dataclass(frozen=True, slots=True)
class Component:
    """One such row as declared."""

    kind: Kind
    id: UUID
    key: str
    """What people call it: the name of its file."""
    texts: Mapping[str, Texts]
    """Its attributes that have a text in each language."""
    columns: Mapping[str, Any]
    """Its other columns as the wire has them."""
    table: str = ""
    """The table it belongs to; nothing for a dashboard or a script."""
    xml: frozenset[str] = field(default_factory=frozenset)
    """Those of `columns` that are XML: compared by meaning."""
    create_only: Mapping[str, Any] = field(default_factory=dict)
    """Columns that are set at creation and cannot be changed."""
    publication: Publication = field(default_factory=Publication)
    found_by: str = ""
    """How the row is found where its id is not ours to choose, as a filter; `id` only stands for it then."""
    comes_with_its_table: bool = False
    """It is there as soon as its table is, and never made or deleted by us."""
