"""What goes over the wire, byte for byte, and what comes of a connection that fails."""

from __future__ import annotations

import gzip
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import responses

from d365ext.errors import ConnectionFailed, Rejected
from d365ext.webapi.transport import RequestsTransport, open_session
from support.fakes import a_reply, a_request

ORIGIN = "https://org.example"


class _Served:
    """What a scripted server saw."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[bytes] = []
        self.connections = 0


@contextmanager
def _serving(*answers: bytes | None, answers_each: int = 1) -> Iterator[_Served]:
    """Serve on loopback: each connection gets `answers_each` answers and is then closed; None: closed without one."""
    served = _Served()
    listener = socket.create_server(("127.0.0.1", 0))
    served.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    waiting = list(answers)

    def serve() -> None:
        while waiting:
            connection, _ = listener.accept()
            served.connections += 1
            with connection:
                for _ in range(min(answers_each, len(waiting))):
                    served.requests.append(_whole_request(connection))
                    answer = waiting.pop(0)
                    if answer is not None:
                        connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        listener.close()
        thread.join(5)


def _whole_request(connection: socket.socket) -> bytes:
    """Read head and body, however many packets they come in."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += connection.recv(65536)
    head, _, body = read.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while len(body) < (int(length[1]) if length else 0):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def _over(url: str, parallel: int = 4) -> RequestsTransport:
    return RequestsTransport(open_session(url, parallel=parallel), url, connect_timeout_s=2)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


# ---------------------------------------------------------------- what is sent


def test_the_path_is_sent_as_it_was_given() -> None:
    path = "/api/data/v9.2/accounts?$select=name&$deltatoken=919042%2108%2f22%2f2017%2008%3a10%3a44&x=%7Eä'()"
    with _serving(OK) as served:
        _over(served.url).send(a_request(path=path), timeout_s=2)
    line = served.requests[0].split(b"\r\n")[0].decode()
    # urllib3 writes the hexadecimal digits in upper case, which means the same (RFC 3986 §2.1); all else is untouched.
    assert line == (
        "GET /api/data/v9.2/accounts?$select=name&$deltatoken=919042%2108%2F22%2F2017%2008%3A10%3A44&x=%7E%C3%A4'()"
        " HTTP/1.1"
    )


def test_headers_and_body_are_sent_and_little_is_added() -> None:
    request = a_request("POST", headers={"Prefer": "x", "Authorization": "Bearer t"}, body=b'{"a":1}')
    with _serving(OK) as served:
        _over(served.url).send(request, timeout_s=2)
    head, _, body = served.requests[0].partition(b"\r\n\r\n")
    names = sorted(line.partition(b":")[0].decode().lower() for line in head.split(b"\r\n")[1:])
    assert names == ["accept-encoding", "authorization", "content-length", "host", "prefer", "user-agent"]
    assert body == b'{"a":1}'


def test_connections_are_kept() -> None:
    with _serving(OK, OK, OK, answers_each=3) as served:
        wire = _over(served.url)
        for _ in range(3):
            wire.send(a_request(), timeout_s=2)
    assert served.connections == 1


def test_the_pool_is_as_large_as_the_parallelism() -> None:
    session = open_session(ORIGIN, parallel=17)
    assert session.get_adapter(ORIGIN + "/api")._pool_maxsize == 17  # type: ignore[attr-defined]


def test_a_compressed_answer_is_read() -> None:
    packed = gzip.compress(b'{"a":1}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with _serving(head + packed) as served:
        assert _over(served.url).send(a_request(), timeout_s=2).json() == {"a": 1}


def test_the_affinity_cookie_is_not_sent_back() -> None:
    with_cookie = OK.replace(b"200 OK\r\n", b"200 OK\r\nSet-Cookie: ARRAffinity=abc; Path=/\r\n")
    with _serving(with_cookie, OK, answers_each=2) as served:
        wire = _over(served.url)
        wire.send(a_request(), timeout_s=2)
        wire.send(a_request(), timeout_s=2)
    assert b"cookie" not in served.requests[1].lower()


def test_a_netrc_does_not_replace_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with _serving(OK) as served:
        _over(served.url).send(a_request(headers={"Authorization": "Bearer t"}), timeout_s=2)
    assert b"Authorization: Bearer t\r\n" in served.requests[0]


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with _serving(OK) as served:
        assert _over(served.url).send(a_request(), timeout_s=2).status == 200


def test_a_proxy_of_the_environment_is_used_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    with pytest.raises(ConnectionFailed, match="could not be reached") as caught:
        _over("https://org.invalid").send(a_request(), timeout_s=2)
    assert not caught.value.may_have_been_sent


@responses.activate
def test_a_redirect_is_not_followed() -> None:
    headers = {"Location": "https://evil.example/", "Content-Length": "0"}
    responses.get(f"{ORIGIN}/api/data/v9.2/accounts", status=302, headers=headers)
    reply = _over(ORIGIN).send(a_request(headers={"Authorization": "Bearer t"}), timeout_s=2)
    assert reply.status == 302
    assert len(responses.calls) == 1


# ---------------------------------------------------------------- what fails


def _refused() -> str:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_a_refused_connection_was_never_sent() -> None:
    with pytest.raises(ConnectionFailed, match="connection refused") as caught:
        _over(_refused()).send(a_request(), timeout_s=2)
    assert not caught.value.may_have_been_sent
    assert "emulator serve" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "the connection was closed"),
        (b"HTTP/1.1 200 OK\r\nDate: Mon, 05 Jan 2026 12:00:20 GMT\r\n", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "it broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", "it broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", "could not be unpacked"),
        (b"SSH-2.0-OpenSSH\r\n", "was lost"),
    ],
    ids=["closed", "cut in the head", "cut in the body", "cut in a chunk", "not gzip", "not HTTP"],
)
def test_an_answer_that_does_not_arrive_whole_may_have_been_carried_out(answer: bytes | None, said: str) -> None:
    with _serving(answer) as served, pytest.raises(ConnectionFailed, match=said) as caught:
        _over(served.url).send(a_request("POST"), timeout_s=2)
    assert caught.value.may_have_been_sent
    assert served.requests


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_that_should_be_empty_may_be(status: bytes) -> None:
    with _serving(b"HTTP/1.1 " + status + b"\r\nOData-Version: 4.0\r\n\r\n") as served:
        assert _over(served.url).send(a_request(), timeout_s=2).body == b""


def test_an_answer_that_should_be_empty_by_its_length_may_be() -> None:
    with _serving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as served:
        assert _over(served.url).send(a_request(), timeout_s=2).body == b""


def test_an_answer_that_does_not_come_in_time_may_have_been_carried_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConnectionFailed, match="no answer in time") as caught:
            _over(url).send(a_request("POST"), timeout_s=0.05)
    assert caught.value.may_have_been_sent


# ---------------------------------------------------------------- replies


def test_numbers_are_exact() -> None:
    reply = a_reply(200, b'{"revenue":0.1000000000000000000001}')
    assert reply.json() == {"revenue": Decimal("0.1000000000000000000001")}
    assert reply.json(parse_float=str) == {"revenue": "0.1000000000000000000001"}


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert a_reply(200, b"\xef\xbb\xbf5").json() == 5


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xff"])
def test_an_answer_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected, match="not JSON"):
        a_reply(200, body).json()


@pytest.mark.parametrize(
    ("method", "said", "expected"),
    [("GET", None, True), ("PATCH", None, True), ("POST", None, False), ("POST", True, True), ("GET", False, False)],
)
def test_all_but_post_may_be_repeated_unless_said_otherwise(method: str, said: bool | None, expected: bool) -> None:
    assert a_request(method, repeatable=said).is_repeatable is expected


def test_headers_are_found_in_any_case() -> None:
    answer = OK.replace(b"Content-Type", b"odata-entityid: x\r\nContent-Type")
    with _serving(answer) as served:
        assert _over(served.url).send(a_request(), timeout_s=2).headers["OData-EntityId"] == "x"
