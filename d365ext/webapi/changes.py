"""Change tracking: every row once, then what changed since.

Source: learn.microsoft.com/power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from d365ext.names import EntitySetName, RowId
from d365ext.webapi.client import Client


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of changes. Either `next_link` (more to come) or `delta_link` (the end: ask it next time) is set.

    `rows` have the selected columns, whether created or changed; numbers with a fraction are text, exact.
    Store a page together with its link; reading goes on from either.
    """

    rows: list[dict[str, Any]]
    deleted: list[RowId]
    next_link: str | None
    delta_link: str | None


def read_changes(
    client: Client,
    entity_set: EntitySetName | str,
    select: Sequence[str],
    *,
    link: str | None = None,
    page_rows: int | None = None,
) -> Iterator[ChangePage]:
    """Read the changes since `link`, page by page; all rows if there is no link.

    `link` is a page's `next_link` or `delta_link`, passed on verbatim.

    Shape:   one or more pages; the last one has the delta link.
    Units:   page_rows 1..5000; default: the settings'.
    Effects: one GET a page, when it is asked for; safe to abandon and to resume from the last link.
    Errors:  DeltaExpired if the link is too old (read everything); Rejected if the table is not tracked;
             Forbidden without organization-level Read.
    """
    raise NotImplementedError
