"""The two texts of change tracking that clients must treat as opaque: delta tokens and the cookies between pages.

Pure. Source of the forms: learn.microsoft.com/…/use-change-tracking-synchronize-data-external-systems
(`$deltatoken=919042%2108%2f22%2f2017%2008%3a10%3a44`); …/webapi/query/page-results (`$skiptoken` with `istracking`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

_TOKEN = re.compile(r"(\d{1,18})!(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)")
_LATEST = 253402300799  # the last second of the year 9999
_TIME_FORM = "%m/%d/%Y %H:%M:%S"
_COOKIE = re.compile(
    r'<changes since="(\d{1,18})" upto="(\d{1,18})" at="(\d{1,12})" phase="(live|deleted)" after="(\d{1,18})" ?/>'
)


class TokenError(ValueError):
    """The text is not one that this server made."""


@dataclass(frozen=True, slots=True)
class DeltaToken:
    """A point in the organization's history: every change with a greater version is news.

    >>> token = DeltaToken(919042, datetime(2017, 8, 22, 8, 10, 44, tzinfo=UTC))
    >>> str(token)
    '919042!08/22/2017 08:10:44'
    >>> token.encoded
    '919042%2108%2f22%2f2017%2008%3a10%3a44'
    >>> DeltaToken.parse(str(token)) == token
    True
    """

    version: int
    at: datetime

    def __str__(self) -> str:
        return f"{self.version}!{self.at.astimezone(UTC).strftime(_TIME_FORM)}"

    @property
    def encoded(self) -> str:
        """Give the text as it stands in a link."""
        return re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), quote(str(self), safe=""))

    @classmethod
    def parse(cls, text: str) -> DeltaToken:
        """Read a token."""
        found = _TOKEN.fullmatch(text)
        if found is None:
            raise TokenError(f"'{text}' is not a delta token.")
        try:
            at = datetime.strptime(found.group(2), _TIME_FORM).replace(tzinfo=UTC)
        except ValueError as cause:
            raise TokenError(f"'{text}' is not a delta token.") from cause
        return cls(int(found.group(1)), at)


@dataclass(frozen=True, slots=True)
class ChangesCookie:
    """Where the next page of a tracked read begins: after version `after` of the live rows or of the deleted ones.

    `since` and `upto` bound the changes of the whole read; `at` is when its first page was made (Unix seconds).

    >>> cookie = ChangesCookie(0, 900, 1503389444, "live", 250)
    >>> ChangesCookie.parse(cookie.text) == cookie
    True
    >>> cookie.encoded(3)[:60]
    '%3Ccookie%20pagenumber=%223%22%20pagingcookie=%22%253Cchange'
    """

    since: int
    upto: int
    at: int
    phase: str  # live | deleted
    after: int

    @property
    def text(self) -> str:
        """Give the cookie as XML."""
        return (
            f'<changes since="{self.since}" upto="{self.upto}" at="{self.at}" '
            f'phase="{self.phase}" after="{self.after}" />'
        )

    def encoded(self, page: int) -> str:
        """Give the value of `$skiptoken` for page number `page`, as it stands in a link."""
        inner = quoteattr(quote(self.text, safe=""))[1:-1]
        return quote(f'<cookie pagenumber="{page}" pagingcookie="{inner}" istracking="True" />', safe="=/")

    @classmethod
    def parse(cls, text: str) -> ChangesCookie:
        """Read a cookie."""
        found = _COOKIE.fullmatch(text)
        if found is None:
            raise TokenError("The paging cookie of the tracked read is not one that this server made.")
        since, upto, at, phase, after = found.groups()
        if int(at) > _LATEST:
            raise TokenError("The paging cookie of the tracked read is of no time that there is.")
        return cls(int(since), int(upto), int(at), phase, int(after))
