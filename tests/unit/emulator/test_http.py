"""http.py, routes.py, wsgi.py, server.py: from bytes to requests and back."""

from __future__ import annotations

import gzip
import socket
import threading
from decimal import Decimal
from typing import Any

import pytest
import requests

from d365ext.emulator import Emulator, EmulatorSettings, routes, running
from d365ext.emulator.problems import Problem
from d365ext.emulator.web.http import Headers, Request

API = "/api/data/v9.2/"


def request(query: str = "", body: bytes = b"", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", API + "accounts", query, Headers(named), body)


def test_options_are_decoded_with_plus_as_a_space() -> None:
    assert request("$filter=a+eq+%27b%2Bc%27&x").options == {"$filter": "a eq 'b+c'", "x": ""}
    with pytest.raises(Problem):
        _ = request("$top=1&%24top=2").options


def test_preferences_are_read_from_one_header_with_commas_and_quotes() -> None:
    prefer = 'return=representation; odata.include-annotations="a,b" , ODATA.MaxPageSize=3,,respond-async'
    assert request(Prefer=prefer).preferences == {
        "return": "representation",
        "odata.include-annotations": "a,b",
        "odata.maxpagesize": "3",
        "respond-async": "",
    }


def test_a_long_number_keeps_its_digits_and_a_short_one_is_a_float() -> None:
    assert request(body=b'{"a":123456789012345.6789}').json() == {"a": Decimal("123456789012345.6789")}
    assert request(body=b'{"a":1.5}').json() == {"a": 1.5}


def test_the_root_is_what_the_client_sees() -> None:
    made = Request("GET", "/api/data/v9.1/accounts", origin="http://other:81")
    assert made.root == "http://other:81/api/data/v9.1/"


@pytest.mark.parametrize(
    "table",
    [
        routes.ACTIONS, routes.FUNCTIONS, routes.BOUND_ACTIONS, routes.BOUND_FUNCTIONS, routes.DEFINITION_SETS,
        routes.SPECIAL, routes.ADMIN,
    ],
)  # fmt: skip
def test_every_route_leads_to_a_function(table: dict[str, str]) -> None:
    for route in table.values():
        assert callable(routes.resolve(route))


def test_every_hook_leads_to_a_function_and_stands_at_a_table(emulator: Emulator) -> None:
    with emulator.organization.reading() as session:
        tables = session.schema.tables.keys()
    for hooks in (routes.BEFORE_WRITE, routes.AFTER_WRITE, routes.BEFORE_DELETE):
        assert hooks.keys() <= tables
        for route in (each for each_table in hooks.values() for each in each_table):
            assert callable(routes.resolve(route))


def raw(port: int, head: str, body: bytes = b"") -> bytes:
    """Send bytes to the server, with nothing in between that could tidy them up."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_the_server_keeps_the_path_as_it_was_sent(emulator: Emulator) -> None:
    with running(emulator) as served:
        answer = raw(served.port, f"GET {API}a%2Fb HTTP/1.1\nHost: x\nConnection: close\n\n")
        assert b"in 'a/b'." in answer  # one segment, decoded after the path was split
        letters = raw(served.port, f"GET {API}accounts('ä') HTTP/1.1\nHost: x\nConnection: close\n\n")
        assert letters.startswith(b"HTTP/1.1 400")  # waitress refuses bytes that nobody encoded
        doubled = raw(served.port, f"GET {API}accounts//$count HTTP/1.1\nHost: x\nConnection: close\n\n")
        assert b" 200 " in doubled.split(b"\r\n")[0]
        absolute = raw(served.port, f"GET http://x{API}WhoAmI HTTP/1.1\nHost: x\nConnection: close\n\n")
        assert b"UserId" in absolute


def test_header_names_are_spelt_as_the_platform_spells_them(emulator: Emulator) -> None:
    with running(emulator) as served:
        head = "Host: x\nContent-Type: application/json\nContent-Length: 2\nConnection: close"
        lines = raw(served.port, f"POST {API}accounts HTTP/1.1\n{head}\n\n", b"{}").split(b"\r\n")
        names = {line.partition(b":")[0] for line in lines}
        assert {b"OData-EntityId", b"OData-Version", b"x-ms-service-request-id", b"Location"} <= names


def test_answers_are_compressed_on_request_and_bodies_may_be(emulator: Emulator) -> None:
    with running(emulator) as served:
        url = served.url + API
        listed = requests.get(url, headers={"Accept-Encoding": "gzip"}, timeout=30)
        assert listed.headers["Content-Encoding"] == "gzip"
        assert listed.json()["value"]
        plain = requests.get(url, headers={"Accept-Encoding": "identity"}, timeout=30)
        assert "Content-Encoding" not in plain.headers
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        packed = gzip.compress(b'{"name":"packed"}')
        assert requests.post(url + "accounts", data=packed, headers=headers, timeout=30).status_code == 204
        assert requests.post(url + "accounts", data=b"no gzip", headers=headers, timeout=30).status_code == 400
        unknown = {**headers, "Content-Encoding": "br"}
        assert requests.post(url + "accounts", data=packed, headers=unknown, timeout=30).status_code == 415


def test_a_body_that_unpacks_to_more_than_is_allowed_is_413() -> None:
    emulator = Emulator(settings=EmulatorSettings(body_bytes_max=100_000))
    with running(emulator) as served:
        bomb = gzip.compress(b" " * 10_000_000)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        url = served.url + API + "accounts"
        assert requests.post(url, data=bomb, headers=headers, timeout=30).status_code == 413
    emulator.close()


def test_head_has_headers_and_no_body(emulator: Emulator) -> None:
    with running(emulator) as served:
        answer = requests.head(served.url + API + "WhoAmI", timeout=30)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["OData-Version"] == "4.0"


def test_many_clients_read_and_write_at_once(emulator: Emulator) -> None:
    failures: list[Any] = []

    def work(url: str, name: str) -> None:
        with requests.Session() as session:
            for number in range(10):
                made = session.post(f"{url}{API}accounts", json={"name": f"{name} {number}"}, timeout=60)
                found = session.get(f"{url}{API}accounts?$select=name&$filter=name eq '{name} {number}'", timeout=60)
                if made.status_code != 204 or len(found.json()["value"]) != 1:
                    failures.append((made.text, found.text))

    with running(emulator) as served:
        threads = [threading.Thread(target=work, args=(served.url, f"t{each}")) for each in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert failures == []
        assert requests.get(f"{served.url}{API}accounts/$count", timeout=30).content.endswith(b"80")


def test_the_port_is_free_again_after_the_server_stopped(emulator: Emulator) -> None:
    with running(emulator) as served:
        pass
    with pytest.raises(requests.ConnectionError):
        requests.get(served.url, timeout=5)
    with running(emulator, port=served.port) as again:
        assert again.url == served.url
        assert requests.get(again.url + API + "WhoAmI", timeout=30).status_code == 200
