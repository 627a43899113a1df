"""What is worked out about a table goes when its organization does."""

from __future__ import annotations

import gc
import weakref
from contextlib import closing
from typing import Any

import requests

from d365ext.emulator import Emulator
from support.dataverse import Dataverse
from support.definitions import Workshop
from support.wsgi_adapter import WsgiAdapter


def test_the_tables_of_a_closed_organization_are_let_go() -> None:
    table = _a_table_that_was_written_and_read()
    gc.collect()
    assert table() is None


def _a_table_that_was_written_and_read() -> weakref.ref[Any]:
    with closing(Emulator()) as emulator, requests.Session() as session:
        session.mount("http://localhost", WsgiAdapter(emulator.wsgi))
        dv = Dataverse("http://localhost", session)
        entity_set = f"{Workshop(dv).table()}s"
        dv.create(entity_set, {"zzt_name": "written"})
        assert len(dv.rows(f"{entity_set}?$select=zzt_name&$filter=zzt_name ne null")) == 1
        with emulator.organization.reading() as reading:
            return weakref.ref(reading.schema.set(entity_set))
