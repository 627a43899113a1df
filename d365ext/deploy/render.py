"""A plan as text for people and as JSON for programs. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from d365ext.deploy.change import Change
from d365ext.deploy.plan import Plan, Purpose

_EMPTY = {
    Purpose.APPLY: "Nothing to do: the environment has what the solution declares.",
    Purpose.UNINSTALL: "Nothing to do: the environment has nothing of the solution.",
}


def to_text(plan: Plan, width: int = 100) -> str:
    """Write a plan to be read: what is added (+), changed (~) and removed (-), then what to think about first.

    Shape:   lines of at most `width` characters, ending with a newline.
    """
    lines = [line for change in plan.changes for line in _change_lines(change)]
    lines += ["", _sum(plan)] if plan.changes else [_EMPTY[plan.purpose]]
    for title, changes in (
        ("Cannot be undone:", [each for each in plan.irreversible if not each.is_destructive]),
        ("Loses data:", [each for each in plan.destructive if not each.is_harmless]),
    ):
        if changes:
            lines += ["", title, *(_reason(change) for change in changes)]
    if plan.destructive and not plan.allow_delete:
        lines += ["", "It removes things for good, so apply needs --allow-delete."]
    if plan.kept:
        lines += ["", "Kept, though the solution no longer declares it (--allow-delete removes it):"]
        lines += [f"  {change.subject}" for change in plan.kept]
    for note in plan.notes:
        lines += ["", note]
    return "".join(f"{wrapped}\n" for line in lines for wrapped in _wrapped(line, width))


def _change_lines(change: Change) -> Iterator[str]:
    remark = f" ({change.remark})" if change.remark else ""
    yield f"{change.sign} {change.subject}{remark}"
    for detail in change.details:
        yield f"    {detail}"


def _sum(plan: Plan) -> str:
    signs = [change.sign for change in plan.changes]
    counts = [(signs.count("+"), "to add"), (signs.count("~"), "to change"), (signs.count("-"), "to remove")]
    return ", ".join(f"{count} {what}" for count, what in counts if count) + "."


def _reason(change: Change) -> str:
    why = change.remark if change.is_destructive and change.remark else change.irreversible
    return f"  {change.subject}{f': {why}' if why else ''}"


def _wrapped(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]


def to_json(plan: Plan) -> str:
    """Write a plan for a program.

    Shape:   {"purpose", "url", "solution", "version", "empty", "changes": [{"sign", "subject", "remark", "details",
             "destructive", "irreversible"}], "kept": [subject], "notes": [sentence]}.
    """
    document: dict[str, Any] = {
        "purpose": plan.purpose.value,
        "url": plan.url,
        "solution": plan.solution.solution.name,
        "version": plan.solution.solution.version,
        "empty": plan.is_empty,
        "changes": [_to_dict(change) for change in plan.changes],
        "kept": [change.subject for change in plan.kept],
        "notes": list(plan.notes),
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _to_dict(change: Change) -> dict[str, Any]:
    return {
        "sign": change.sign,
        "subject": change.subject,
        "remark": change.remark,
        "details": list(change.details),
        "destructive": change.is_destructive,
        "irreversible": change.irreversible,
    }
