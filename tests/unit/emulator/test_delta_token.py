"""Delta tokens and the cookies of tracked reads."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from d365ext.emulator.messages.delta_token import ChangesCookie, DeltaToken, TokenError

versions = st.integers(0, 10**18 - 1)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1)).map(  # noqa: DTZ001  made aware below
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(versions, moments)
def test_a_token_survives_its_link(version: int, at: datetime) -> None:
    token = DeltaToken(version, at)
    assert DeltaToken.parse(unquote(token.encoded)) == token
    assert "%2F" not in token.encoded  # Dataverse prints small letters


@given(versions, versions, st.integers(0, 253402300799), st.sampled_from(["live", "deleted"]), versions, st.integers(1))
def test_a_cookie_survives_its_link(since: int, upto: int, at: int, phase: str, after: int, page: int) -> None:
    cookie = ChangesCookie(since, upto, at, phase, after)
    outer = fromstring(unquote(cookie.encoded(page)))
    assert outer.get("istracking") == "True"
    assert outer.get("pagenumber") == str(page)
    assert ChangesCookie.parse(unquote(outer.get("pagingcookie"))) == cookie


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5!",
        "5!2026-01-01",
        "-5!01/01/2026 00:00:00",
        "5!13/01/2026 00:00:00",
        "5!01/01/0000 00:00:00",
        "5!01/01/2026 00:00:00 ",
        "9999999999999999999!01/01/2026 00:00:00",
    ],
)
def test_what_is_not_a_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        DeltaToken.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<changes/>",
        '<changes since="1" upto="2" at="3" phase="dead" after="4" />',
        '<changes since="x" upto="2" at="3" phase="live" after="4" />',
        '<changes since="1" upto="2" at="999999999999" phase="live" after="4" />',
    ],
)
def test_what_is_not_a_cookie_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        ChangesCookie.parse(text)
