"""Numbers that the platform gives: of quotes and orders, and of text columns with an autonumber format.

Owns the counters. Source: learn.microsoft.com/…/create-auto-number-attributes: {SEQNUM:n} starts at 1000,
{RANDSTRING:n} is 1 to 6 characters, {DATETIMEUTC:format}; a value that the client gives stays. Inferred: numbers of
quotes and orders look like QUO-01000-A1B2C3 (organization settings of a fresh environment).
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from d365ext.emulator.rows.plan import Plan
from d365ext.emulator.session import Session

_TOKEN = re.compile(r"\{(SEQNUM|RANDSTRING|DATETIMEUTC):([^}]*)\}")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_FIRST = 1000
_DATE_PARTS = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def on_create(session: Session, plan: Plan, row: dict[str, Any]) -> None:
    """Give a new row the numbers that it does not bring."""
    for name, pattern in plan.numbers.items():
        if row.get(name) is None:
            counter = f"number {plan.table.logical}.{name}"
            pieces = _TOKEN.split(pattern)  # text, kind, argument, text, kind, argument, … text
            made = [
                _part(session, counter, kind, argument)
                for kind, argument in zip(pieces[1::3], pieces[2::3], strict=True)
            ]
            row[name] = "".join(text + part for text, part in zip(pieces[::3], [*made, ""], strict=True))


def _part(session: Session, counter: str, kind: str, argument: str) -> str:
    if kind == "SEQNUM":
        digits = int(argument) if argument.isdigit() else 1
        return str(_next(session, counter)).rjust(digits, "0")
    if kind == "RANDSTRING":
        length = min(int(argument), 6) if argument.isdigit() else 6
        return "".join(secrets.choice(_LETTERS) for _ in range(length))
    pattern = re.sub("yyyy|yy|MM|dd|HH|mm|ss", lambda found: _DATE_PARTS[found.group()], argument)
    return session.now.strftime(pattern)


def _next(session: Session, counter: str) -> int:
    (value,) = session.raw.execute(
        "insert into _counter values (?, ?) on conflict (name) do update set value = value + 1 returning value",
        (counter, _FIRST),
    ).fetchone()
    return int(value)
