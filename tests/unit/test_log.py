"""Log lines: their two forms, and that no secret gets into them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest

from d365ext import log

CANARY = "canary-1234567890"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What was logged."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)


def test_text_lines_have_time_level_and_logger(lines: io.StringIO) -> None:
    log.set_up_log("info", "text", to=lines)
    logging.getLogger("d365ext.x").info("hello %s", "world")
    at, level, rest = lines.getvalue().split(" ", 2)
    assert at[4] == "-"
    assert (level, rest) == ("INFO", "d365ext.x: hello world\n")


def test_json_lines_are_json_with_the_error_beside_the_message(lines: io.StringIO) -> None:
    log.set_up_log("info", "json", to=lines)
    try:
        int("oops")
    except ValueError:
        logging.getLogger("d365ext.x").exception("hélas\n%s", 5)
    line = json.loads(lines.getvalue())
    assert (line["level"], line["logger"], line["message"]) == ("error", "d365ext.x", "hélas\n5")
    assert "ValueError: invalid literal" in line["error"]
    assert lines.getvalue().count("\n") == 1


def test_what_is_below_the_level_is_not_written(lines: io.StringIO) -> None:
    log.set_up_log("warning", "text", to=lines)
    logging.getLogger("d365ext.x").info("hello")
    assert lines.getvalue() == ""


def test_setting_up_twice_writes_once(lines: io.StringIO) -> None:
    log.set_up_log("info", "text", to=io.StringIO())
    log.set_up_log("info", "text", to=lines)
    logging.getLogger("d365ext.x").info("hello")
    assert lines.getvalue().count("hello") == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_hidden_secret_is_taken_out_of_message_arguments_and_traceback(
    form: Literal["text", "json"], lines: io.StringIO
) -> None:
    log.hide(CANARY)
    log.set_up_log("info", form, to=lines)
    try:
        int(CANARY)
    except ValueError:
        logging.getLogger("any.library").exception(f"it was {CANARY} and %s", CANARY)
    assert CANARY not in lines.getvalue()
    assert "***" in lines.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer SECRETSECRET",
        "{'Authorization': 'bearer SECRETSECRET'}",
        "client_secret=SECRETSECRET&grant_type=x",
        "grant_type=x&client_assertion=SECRETSECRET",
        "refresh_token=SECRETSECRET",
        "password=SECRETSECRET",
        "token eyJSECRETSECRET.eyJhIjoxfQ.c2ln in it",
    ],
)
def test_what_looks_like_a_secret_is_taken_out_though_nobody_named_it(text: str) -> None:
    assert "SECRETSECRET" not in log.redact(text)


@pytest.mark.parametrize("text", ["opportunity 2e451703 has no password", "the bearer of bad news", "eyJ", ""])
def test_ordinary_text_stays(text: str) -> None:
    assert log.redact(text) == text


def test_a_secret_too_short_to_be_one_hides_nothing() -> None:
    log.hide("")
    log.hide("abc")
    assert log.redact("abc") == "abc"
