"""The table of routes: every name in it leads to a function, every hook to a table."""

from __future__ import annotations

import pytest

from d365ext.emulator import routes
from d365ext.emulator.standard.standard import standard_documents

HANDLERS = {
    **routes.ACTIONS,
    **routes.FUNCTIONS,
    **routes.BOUND_ACTIONS,
    **routes.BOUND_FUNCTIONS,
    **routes.DEFINITION_SETS,
    **routes.SPECIAL,
    **routes.ADMIN,
}
HOOKS = [
    (table, hook)
    for hooks in (routes.BEFORE_WRITE, routes.AFTER_WRITE, routes.BEFORE_DELETE)
    for table, names in hooks.items()
    for hook in names
]


@pytest.mark.parametrize("name", sorted(HANDLERS))
def test_a_route_leads_to_a_function_that_says_what_it_does(name: str) -> None:
    """With a docstring: docs/emulator.md is made of them."""
    assert routes.resolve(HANDLERS[name]).__doc__


@pytest.mark.parametrize(("table", "hook"), HOOKS)
def test_a_hook_leads_to_a_function(table: str, hook: str) -> None:
    """Of a table that a plain organization has."""
    tables = {document["LogicalName"] for kind, document in standard_documents() if kind == "table"}
    assert table in tables
    assert routes.resolve(hook).__doc__
