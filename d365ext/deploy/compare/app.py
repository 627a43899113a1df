"""What the app shows and who may open it. What others put into it stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from d365ext.definitions.app import App
from d365ext.definitions.solution import Solution
from d365ext.deploy.compare.membership import TABLE
from d365ext.deploy.compare.refusal import Findings
from d365ext.deploy.component import CHART, DASHBOARD, SITE_MAP, VIEW, Component
from d365ext.deploy.environment import Environment
from d365ext.deploy.ui_change import AddToApp, AppMember, OpenAppTo

_SHOWN = (VIEW, CHART, DASHBOARD, SITE_MAP)


def compare_app(solution: Solution, environment: Environment, components: Iterable[Component]) -> Findings:
    """Find what the app does not show yet, and the roles that cannot open it yet."""
    app = solution.app
    if app is None:
        return
    members = [*_tables(app, environment), *_rows(solution, environment, components)]
    if members:
        yield AddToApp(app.id, app.name, tuple(members))
    for key in app.roles:
        role = solution.roles[key]
        if role.id not in environment.app_roles:
            yield OpenAppTo(app.id, role.id, role.name)


def _tables(app: App, environment: Environment) -> Iterator[AppMember]:
    for name in app.tables:
        found = environment.tables.get(name)
        if found is None or (TABLE, found.id) not in environment.app_members:
            yield AppMember(f"table {name}", name)


def _rows(solution: Solution, environment: Environment, components: Iterable[Component]) -> Iterator[AppMember]:
    for component in components:
        kind = component.kind
        if kind not in _SHOWN or (kind is VIEW and not _is_shown(solution, component)):
            continue
        there = environment.components.get(component.id)
        if there is None or (kind.component_type, there.id) not in environment.app_members:
            row_id = component.id if not component.found_by else there.id if there else None
            yield AppMember(f"{kind.word} {component.key}", kind.table, kind.id_column, row_id)


def _is_shown(solution: Solution, component: Component) -> bool:
    """Say whether a view is one that the app shows: a public one of its tables, or named by it."""
    app = solution.app
    if app is None or component.comes_with_its_table:
        return False
    return component.key in app.views if app.views else component.table in app.tables
