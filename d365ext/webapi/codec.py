"""JSON at the border: exact decimals both ways, moments with their offset, ids as text. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def to_json(value: Any) -> bytes:
    """Write `value` as JSON.

    A Decimal becomes a number with all its digits, a UUID or date its text, an aware datetime ISO 8601.

    >>> from decimal import Decimal
    >>> to_json({"pch_openvalue": Decimal("1234567890123.4500"), "name": "Mäkinen"}).decode()
    '{"pch_openvalue":1234567890123.4500,"name":"Mäkinen"}'

    Errors:  ValueError for a number that is not finite or a datetime without an offset: neither has a meaning there.
    """
    _refuse_vague(value)
    return orjson.dumps(value, default=_decimal, option=_OPTIONS)


def from_json(text: bytes, *, parse_float: Callable[[str], Any] = Decimal) -> Any:
    """Read JSON; numbers with a fraction or an exponent go through `parse_float`.

    >>> from_json(b'{"revenue": 0.10}')
    {'revenue': Decimal('0.10')}

    Errors:  ValueError if it is not JSON.
    """
    return json.loads(text.decode("utf-8-sig"), parse_float=parse_float)


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _refuse_vague(value: Any) -> None:
    """Raise for what would silently change its meaning (orjson writes NaN as null)."""
    if isinstance(value, Mapping):
        for part in value.values():
            _refuse_vague(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _refuse_vague(part)
    elif (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, Decimal) and not value.is_finite()
    ):
        raise ValueError(f"{value} is no number that Dataverse knows")
    elif isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no offset; make it UTC")
