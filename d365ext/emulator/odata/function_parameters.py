"""Parameters of functions: constants in place, or aliases whose text stands in the query.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/use-web-api-functions ("Pass parameters to a
function": inline or by alias; entity references and lists by alias as JSON).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from d365ext.emulator.odata.ast import Alias, EnumMember, Expression, JsonObject, Literal, Value
from d365ext.emulator.odata.parser import parse_value
from d365ext.emulator.problems import Problem
from d365ext.emulator.web.http import Request


def parameter(params: Mapping[str, Expression], name: str, request: Request) -> Value:
    """Give the value of a required parameter; 400 if it is missing or not a constant."""
    expression = params.get(name)
    if isinstance(expression, Alias):
        text = request.options.get(f"@{expression.name}", "null").strip()
        expression = Literal(JsonObject(text)) if text.startswith("{") else parse_value(text)
    if not isinstance(expression, Literal):
        raise Problem.payload(f"The function parameter '{name}' is missing or is not a constant.")
    return expression.value


def text_parameter(params: Mapping[str, Expression], name: str, request: Request) -> str:
    """Give an Edm.String parameter."""
    value = parameter(params, name, request)
    if not isinstance(value, str):
        raise Problem.payload(f"The function parameter '{name}' must be a string.")
    return value


def texts_parameter(params: Mapping[str, Expression], name: str, request: Request) -> list[str]:
    """Give a Collection(Edm.String) parameter."""
    value = parameter(params, name, request)
    if not isinstance(value, tuple) or not all(isinstance(each, str) for each in value):
        raise Problem.payload(f"The function parameter '{name}' must be a list of strings.")
    return [str(each) for each in value]


def member_parameter(params: Mapping[str, Expression], name: str, request: Request) -> str:
    """Give the member named by an enumeration parameter: 'All' of Microsoft.Dynamics.CRM.TargetFieldType'All'."""
    value = parameter(params, name, request)
    if isinstance(value, EnumMember):
        return value.members
    if isinstance(value, str):
        return value
    raise Problem.payload(f"The function parameter '{name}' must be an enumeration member.")


def json_parameter(params: Mapping[str, Expression], name: str, request: Request) -> Any:
    """Give a parameter that is a JSON object. Microsoft's samples quote its texts singly; both are read."""
    value = parameter(params, name, request)
    if not isinstance(value, JsonObject):
        raise Problem.payload(f"The function parameter '{name}' must be a JSON object.")
    for text in (value.text, value.text.replace("'", '"')):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
    raise Problem.payload(f"The function parameter '{name}' is not JSON: {value.text[:200]}")
