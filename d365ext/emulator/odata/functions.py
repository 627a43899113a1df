"""The query functions of Microsoft.Dynamics.CRM, by the condition operator that each of them is.

Owns their names and how their parameters are read. What they mean is in conditions.py.

Source: learn.microsoft.com/…/webapi/reference/queryfunctions; powerapps-docs …/webapi/query/filter-rows.md,
"Dataverse query functions": each has PropertyName, perhaps PropertyValue, PropertyValues, or PropertyValue1 and 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from d365ext.emulator.odata.ast import Value
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.conditions import OPERATORS

NAMESPACE = "Microsoft.Dynamics.CRM."
_IRREGULAR = {
    "Last7Days": "last-seven-days",
    "Next7Days": "next-seven-days",
    "EqualUserId": "eq-userid",
    "NotEqualUserId": "ne-userid",
    "EqualBusinessId": "eq-businessid",
    "NotEqualBusinessId": "ne-businessid",
    "EqualUserLanguage": "eq-userlanguage",
    "DoesNotContainValues": "not-contain-values",
    "AboveOrEqual": "eq-or-above",
    "UnderOrEqual": "eq-or-under",
}
_REFUSED = frozenset(
    {
        "Contains",
        "EqualRoleBusinessId",
        "EqualUserOrUserHierarchy",
        "EqualUserOrUserHierarchyAndTeams",
        "EqualUserOrUserTeams",
        "EqualUserTeams",
    }
)
_OF_FETCHXML_ONLY = frozenset(
    {
        *("eq", "ne", "neq", "gt", "ge", "lt", "le", "null", "not-null", "not-on"),
        *("like", "not-like", "begins-with", "not-begin-with", "ends-with", "not-end-with"),
    }
)
"""Operators that the reference of query functions does not have."""
_PARAMETERS = ("PropertyValue", "PropertyValues", "PropertyValue1", "PropertyValue2")
_PLAIN = re.compile(r"[A-Z][A-Za-z]+")


def operator_of(name: str) -> str:
    """Give the condition operator of a qualified function name; 400 if there is no such function, 501 if refused.

    >>> operator_of("Microsoft.Dynamics.CRM.LastXDays"), operator_of("Microsoft.Dynamics.CRM.OlderThanXHours")
    ('last-x-days', 'olderthan-x-hours')
    """
    short = name.removeprefix(NAMESPACE)
    if short in _REFUSED:
        raise Problem.not_implemented(f"the query function '{name}'")
    operator = _IRREGULAR.get(short)
    if operator is None and _PLAIN.fullmatch(short):
        operator = re.sub(r"(?<!^)([A-Z])", r"-\1", short).lower().replace("older-than-", "olderthan-")
    if operator not in OPERATORS or operator in _OF_FETCHXML_ONLY:
        raise unknown_function(name)
    return operator


def unknown_function(name: str) -> Problem:
    """Make the 400 for a function that is not there. Source of the words: Microsoft.OData.Core's resources."""
    return Problem.query(
        f"An unknown function with name '{name}' was found. This may also be a function import or a key lookup on a "
        "navigation property, which is not allowed."
    )


def values_of(name: str, parameters: Mapping[str, Value]) -> tuple[str, list[Value]]:
    """Split a function's parameters into the name of the property and the values; 400 if they do not fit."""
    extra = set(parameters) - {"PropertyName", *_PARAMETERS}
    prop = parameters.get("PropertyName")
    if extra or not isinstance(prop, str):
        raise Problem.query(f"The parameters of the function '{name}' are PropertyName and {', '.join(_PARAMETERS)}.")
    found: list[Value] = []
    for parameter in _PARAMETERS:
        if parameter not in parameters:
            continue
        value = parameters[parameter]
        found.extend(value if isinstance(value, tuple) else [value])
    return prop, found
