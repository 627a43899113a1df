"""Change tracking: reads that end in a delta link, and what changed since one.

Owns which rows a tracked page holds, in what order, and the links at its end. Must not know how a row is shaped
(`shape.py`).

Source: learn.microsoft.com/power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems
- `Prefer: odata.track-changes` asks for a delta link and is echoed; the link alone is enough for what follows;
- rows in order of version, then the deleted ones, together in pages of 5,000; without a token all rows are new and
  none is deleted; a row made and deleted between two reads is reported as deleted;
- tokens live `organization.expirechangetrackingindays` days (7), then ExpiredVersionStamp 0x80044352;
- $filter, $orderby, $expand and $top "aren't supported"; `$count` with a delta token counts the changes;
- the caller needs organization-level read access.
Error code table: ChangeTrackingNotEnabledForEntity 0x80072491.
Inferred: the statuses are 400; a row deleted and made again under its id is reported as live only; a token from the
future (the store was restored) is as good as expired; whether a link carries the version of the first or of the last
page is a setting, `delta_stamp`. A further page of a tracked read needs no Prefer header (its cookie says istracking).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring

from d365ext.emulator.messages.delta_token import ChangesCookie, DeltaToken, TokenError
from d365ext.emulator.problems import Problem
from d365ext.emulator.queries.formatted import Annotations
from d365ext.emulator.queries.shape import Plan, Row, plan_columns, shape_rows
from d365ext.emulator.security import privileges as security
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table
from d365ext.emulator.store.storage import quoted
from d365ext.emulator.web.http import Request, Response

PAGE_ROWS_MAX = 5000  # Source: …/webapi/query/page-results
_DEFAULT_DAYS = 7
_PREFERENCE = "odata.track-changes"
_REFUSED = ("$filter", "$orderby", "$expand", "$top")
_KNOWN = frozenset({"$select", "$deltatoken", "$skiptoken", "tag"})


def is_tracked(request: Request) -> bool:
    """Say whether a GET of a collection asks for changes, in any of the three ways."""
    if not request.query:
        return _PREFERENCE in request.preferences
    options = request.options
    return (
        "$deltatoken" in options
        or 'istracking="True"' in options.get("$skiptoken", "")
        or _PREFERENCE in request.preferences
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """Where a page begins: see ChangesCookie; `page` is its number."""

    cookie: ChangesCookie
    page: int

    @property
    def is_initial(self) -> bool:
        return self.cookie.since == 0


def collection(session: Session, table: Table, request: Request) -> Response:
    """Answer a tracked read of a table: its first page, or the one that a link leads to."""
    _refuse_options(request)
    _require_tracking(session, table)
    read = _read_of(session, request)
    select = [name.strip() for name in request.options["$select"].split(",")] if "$select" in request.options else None
    plan = plan_columns(session, table, select)
    size = _page_rows(request)
    live, more_live = _live(session, plan, read, size)
    rows: list[Row] = shape_rows(plan, live, session=session, annotations=Annotations.of(request))
    following: ChangesCookie | None = None
    if more_live:
        following = _moved(read.cookie, "live", live[-1][0])
    elif not read.is_initial:
        deleted, more_deleted = _deleted(session, table, read, size - len(rows))
        context = f"{request.root}$metadata#{table.entity_set}/$deletedEntity"
        rows += [{"@odata.context": context, "id": row_id, "reason": "deleted"} for row_id, _ in deleted]
        if more_deleted:
            after = deleted[-1][1] if deleted else max(read.cookie.since, _deleted_after(read))
            following = _moved(read.cookie, "deleted", after)
    return _page(session, table, request, read, rows, following)


def count(session: Session, table: Table, request: Request) -> Response:
    """Answer `GET {set}/$count?$deltatoken=…`: how many rows changed or were deleted since the token."""
    _refuse_options(request)
    _require_tracking(session, table)
    cookie = _read_of(session, request).cookie
    (live,) = session.raw.execute(
        f"select count(*) from {quoted(table.logical)} where versionnumber > ? and versionnumber <= ?",  # noqa: S608
        (cookie.since, cookie.upto),
    ).fetchone()
    (deleted,) = session.raw.execute(
        f"select count(*) from ({_deleted_sql(table)})",  # noqa: S608  names of our own schema
        (table.logical, cookie.since, cookie.upto, 0, -1),
    ).fetchone()
    total = live if cookie.since == 0 else live + deleted
    return Response.text(f"\ufeff{total}")  # with a byte order mark, as every /$count


def _page(
    session: Session, table: Table, request: Request, read: _Read, rows: Sequence[Row], following: ChangesCookie | None
) -> Response:
    kept = [part for part in request.query.split("&") if part and _name_of(part) not in ("$deltatoken", "$skiptoken")]
    address = f"{request.root}{table.entity_set}?{'&'.join([*kept, ''])}"
    columns = f"({request.options['$select'].replace(' ', '')})" if "$select" in request.options else ""
    delta = "" if read.is_initial else "/$delta"
    payload: dict[str, Any] = {"@odata.context": f"{request.root}$metadata#{table.entity_set}{columns}{delta}"}
    if following is not None:
        payload["@odata.nextLink"] = f"{address}$skiptoken={following.encoded(read.page + 1)}"
    else:
        payload["@odata.deltaLink"] = f"{address}$deltatoken={_stamp(session, read).encoded}"
    payload["value"] = rows
    applied = [_PREFERENCE] if _PREFERENCE in request.preferences else []
    if "odata.maxpagesize" in request.preferences:
        applied.append(f"odata.maxpagesize={_page_rows(request)}")
    headers = {"Preference-Applied": ",".join(applied)} if applied else {}
    return Response.json(payload, headers=headers)


def _stamp(session: Session, read: _Read) -> DeltaToken:
    if session.settings.delta_stamp == "last":
        return DeltaToken(read.cookie.upto, session.now)
    return DeltaToken(read.cookie.upto, datetime.fromtimestamp(read.cookie.at, UTC))


def _name_of(part: str) -> str:
    return unquote(part.partition("=")[0])


def _refuse_options(request: Request) -> None:
    for name in _REFUSED:
        if name in request.options:
            raise Problem.query(f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.')
    for name, value in request.options.items():
        if name == "$count" and value == "false":
            continue
        if name not in _KNOWN and not name.startswith("@"):
            raise Problem.not_implemented(f"the query option '{name}' with change tracking")


def _require_tracking(session: Session, table: Table) -> None:
    if not table.change_tracking:
        raise Problem(400, "0x80072491", f"Entity {table.logical} isn't enabled for change tracking.")
    security.require_global_read(session, table)


def _read_of(session: Session, request: Request) -> _Read:
    """Find out where this page begins; 400 for a token or cookie that is not ours or too old."""
    options = request.options
    if "$skiptoken" in options:
        page, cookie = _cookie(options["$skiptoken"])
        if session.settings.delta_stamp == "last":
            cookie = ChangesCookie(cookie.since, _bound(session, request, cookie.since), cookie.at, *_place(cookie))
        return _Read(cookie, page)
    since = 0
    if "$deltatoken" in options:
        try:
            token = DeltaToken.parse(options["$deltatoken"])
        except TokenError as error:
            raise Problem.query(str(error)) from error
        _refuse_expired(session, request, token)
        since = token.version
    at = int(session.now.timestamp())
    return _Read(ChangesCookie(since, _bound(session, request, since), at, "live", since), 1)


def _place(cookie: ChangesCookie) -> tuple[str, int]:
    return cookie.phase, cookie.after


def _moved(cookie: ChangesCookie, phase: str, after: int) -> ChangesCookie:
    return ChangesCookie(cookie.since, cookie.upto, cookie.at, phase, after)


def _bound(session: Session, request: Request, since: int) -> int:
    """Give the last version to show: the present one, or an older one while a test makes deltas lag."""
    fault = session.org.faults.strike(request, "lagging_delta")
    return session.version if fault is None else max(since, min(session.version, fault.version))


def _refuse_expired(session: Session, request: Request, token: DeltaToken) -> None:
    found = session.raw.execute("select expirechangetrackingindays from organization limit 1").fetchone()
    days = _DEFAULT_DAYS if found is None or found[0] is None else int(found[0])
    is_too_old = session.now - token.at > timedelta(days=days)
    is_too_new = token.version > session.version
    if is_too_old or is_too_new or session.org.faults.strike(request, "expired_token") is not None:
        raise Problem(
            400,
            "0x80044352",
            "Version stamp associated with the client has expired. Please perform a full sync.",
        )


def _cookie(text: str) -> tuple[int, ChangesCookie]:
    try:
        outer = fromstring(text)
        return int(outer.get("pagenumber", "")), ChangesCookie.parse(unquote(outer.get("pagingcookie", "")))
    except (TokenError, ValueError, ParseError) as error:
        raise Problem.query(f"The paging cookie is malformed: {error}") from error


def _page_rows(request: Request) -> int:
    stated = request.preferences.get("odata.maxpagesize")
    if stated is None:
        return PAGE_ROWS_MAX
    if not stated.isdecimal() or int(stated) < 1:
        raise Problem.query(f"The value '{stated}' of the preference odata.maxpagesize is not a positive number.")
    return min(int(stated), PAGE_ROWS_MAX)


def _live(session: Session, plan: Plan, read: _Read, size: int) -> tuple[Sequence[Sequence[Any]], bool]:
    if read.cookie.phase != "live":
        return (), False
    columns = ", ".join(quoted(name) for name in plan.reads)
    found = session.raw.execute(
        f"select {columns} from {quoted(plan.table.logical)} "  # noqa: S608  names of our own schema
        "where versionnumber > ? and versionnumber <= ? order by versionnumber limit ?",
        (read.cookie.after, read.cookie.upto, size + 1),
    ).fetchall()
    return found[:size], len(found) > size


def _deleted(session: Session, table: Table, read: _Read, size: int) -> tuple[list[tuple[str, int]], bool]:
    found = session.raw.execute(
        _deleted_sql(table),
        (table.logical, read.cookie.since, read.cookie.upto, _deleted_after(read), size + 1),
    ).fetchall()
    return found[:size], len(found) > size


def _deleted_after(read: _Read) -> int:
    return read.cookie.after if read.cookie.phase == "deleted" else 0


def _deleted_sql(table: Table) -> str:
    return (
        "select row_id, max(version) as last from _deleted "  # noqa: S608  names of our own schema
        "where table_name = ? and version > ? and version <= ? and not exists "
        f"(select 1 from {quoted(table.logical)} where {quoted(table.primary_id)} = row_id) "
        "group by row_id having last > ? order by last limit ?"
    )
