"""A key is made, waited for, and made again where its index failed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from d365ext.definitions.tables import Key
from d365ext.deploy.environment import Languages
from d365ext.deploy.table_change import CreateKey
from d365ext.deploy.write.keys import create_key
from d365ext.deploy.write.writer import Writer
from d365ext.errors import PlanError
from d365ext.webapi.transport import Reply
from support.clients import client_of
from support.fakes import RecordingTransport, a_reply
from support.solutions import the_core

THE = the_core()
KEY = Key(label={"en": "Once", "fi": "Kerran", "sv": "En gång"}, columns=("pch_name",))


def make(answers: Sequence[Reply], *, status: str = "") -> tuple[list[str], list[float]]:
    """Carry out the change against `answers`; give the methods that were sent and how long was slept."""
    transport = RecordingTransport(answers)
    slept: list[float] = []
    writer = Writer(client_of(transport), THE, Languages(THE.languages, frozenset(THE.languages), 1033), slept.append)
    create_key(writer, CreateKey("pch_syncrun", "pch_once", KEY, status=status))
    assert transport.is_used_up
    return [request.method for request in transport.requests], slept


def index(status: str) -> Reply:
    return a_reply(200, {"EntityKeyIndexStatus": status})


def test_the_index_of_a_new_key_is_waited_for() -> None:
    sent, slept = make([a_reply(204), index("Pending"), index("InProgress"), index("Active")])
    assert sent == ["POST", "GET", "GET", "GET"]
    assert slept == [0.5, 1.0]


def test_a_key_that_is_there_already_is_only_waited_for() -> None:
    assert make([index("Active")], status="InProgress") == (["GET"], [])


def test_a_failed_key_is_made_again() -> None:
    assert make([a_reply(204), a_reply(204), index("Active")], status="Failed")[0] == ["DELETE", "POST", "GET"]


def test_duplicates_are_named_as_the_cause() -> None:
    with pytest.raises(PlanError, match=r"pch_syncrun\.pch_once failed\. Are there rows that agree in pch_name\?"):
        make([a_reply(204), index("Failed")])


def test_it_is_not_waited_for_ever() -> None:
    with pytest.raises(PlanError, match="is not built after"):
        make([a_reply(204), *(index("Pending") for _ in range(400))])
