"""The in-process adapter gives an application what waitress would, and `requests` what a socket would."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import requests

from support.wsgi_adapter import WsgiAdapter, WsgiApp

URL = "http://localhost"


def _over(app: WsgiApp) -> requests.Session:
    session = requests.Session()
    session.mount(URL, WsgiAdapter(app))
    return session


def _echo(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 Fine", [("Content-Type", "text/plain; charset=utf-8"), ("X-A", "1"), ("X-A", "2")])
    keys = ("REQUEST_METHOD", "REQUEST_URI", "RAW_URI", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH")
    told = [f"{key}={environ.get(key)}" for key in keys]
    headers = [f"{key}={value}" for key, value in environ.items() if key.startswith("HTTP_")]
    return ["\n".join([*told, *headers, environ["wsgi.input"].read().decode()]).encode()]


def test_the_raw_path_is_passed_beside_the_unquoted_one() -> None:
    text = _over(_echo).get(f"{URL}/accounts(name='a%2Fb%20%C3%A4')?$filter=x%20eq%201").text
    assert "REQUEST_URI=/accounts(name='a%2Fb%20%C3%A4')?$filter=x%20eq%201" in text
    assert "RAW_URI=/accounts(name='a%2Fb%20%C3%A4')?$filter=x%20eq%201" in text
    assert "PATH_INFO=/accounts(name='a/b " in text
    assert "QUERY_STRING=$filter=x%20eq%201" in text


def test_method_body_and_headers_arrive() -> None:
    answer = _over(_echo).patch(f"{URL}/x", json={"a": "ä"}, headers={"If-Match": "*"})
    assert "REQUEST_METHOD=PATCH" in answer.text
    assert "CONTENT_TYPE=application/json" in answer.text
    assert "HTTP_IF_MATCH=*" in answer.text
    assert "HTTP_HOST=localhost" in answer.text
    assert "HTTP_CONTENT_LENGTH" not in answer.text
    assert answer.text.endswith('{"a": "\\u00e4"}')
    assert (answer.status_code, answer.reason) == (200, "Fine")


def test_headers_that_repeat_are_joined() -> None:
    assert _over(_echo).get(f"{URL}/x").headers["x-a"] == "1, 2"


def test_a_compressed_answer_is_unpacked() -> None:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [("Content-Encoding", "gzip")])
        return [gzip.compress(b"hello")]

    assert _over(app).get(f"{URL}/x").text == "hello"


def test_what_is_written_early_comes_first_and_the_iterable_is_closed() -> None:
    closed: list[bool] = []

    class Body:
        def __init__(self, write: Callable[[bytes], Any]) -> None:
            self.write = write

        def __iter__(self) -> Any:
            self.write(b"one ")
            yield b"two"

        def close(self) -> None:
            closed.append(True)

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        return Body(start("200 OK", []))

    assert _over(app).get(f"{URL}/x").text == "one two"
    assert closed == [True]


@pytest.mark.parametrize("is_late", [True, False])
def test_a_dropped_connection_is_what_requests_would_raise(is_late: bool) -> None:
    def body() -> Iterable[bytes]:
        yield b"x"
        raise ConnectionResetError("dropped")

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if not is_late:
            raise ConnectionResetError("dropped")
        start("200 OK", [])
        return body()

    with pytest.raises(requests.ConnectionError):
        _over(app).get(f"{URL}/x")


def test_an_error_of_the_application_is_not_hidden() -> None:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _over(app).get(f"{URL}/x")
