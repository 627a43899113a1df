"""The reader and printer of batches, judged by the standard library's e-mail parser."""

from __future__ import annotations

import email
import email.policy
import itertools
from collections.abc import Sequence
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d365ext.emulator.web.multipart import BatchError, ChangeSet, Embedded, Item, Part, parse_batch, print_batch

TYPE = 'multipart/mixed; boundary="batch_1"'


def written(items: Sequence[Item], line_end: str = "\r\n", boundary: str = "batch_1") -> bytes:
    """Write a batch as clients do."""
    out: list[str] = []
    for n, item in enumerate(items):
        out.append(f"--{boundary}")
        if isinstance(item, ChangeSet):
            inner = f"{boundary}{n}"  # begins like the outer one, on purpose
            out += [f"Content-Type: multipart/mixed;boundary={inner}", ""]
            for request in item.requests:
                out += [f"--{inner}", *request_lines(request)]
            out.append(f"--{inner}--")
        else:
            out += request_lines(item)
    out += [f"--{boundary}--", ""]
    return line_end.join(out).encode()


def request_lines(request: Embedded) -> list[str]:
    mime = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if request.content_id is not None:
        mime.append(f"Content-ID: {request.content_id}")
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    return [*mime, "", f"{request.method} {request.url} HTTP/1.1", *headers, "", request.body.decode()]


def read_by_email(content_type: str, body: bytes) -> list[object]:
    """What the standard library makes of the same bytes: the raw content of every part, change sets as lists."""
    whole = b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    message = email.message_from_bytes(whole, policy=email.policy.HTTP)
    return [_content(part) for part in message.get_payload()]  # type: ignore[union-attr]


def _content(part: Message) -> object:
    if part.is_multipart():
        return [_content(inner) for inner in part.get_payload()]  # type: ignore[union-attr, arg-type]
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    head, _, body = payload.replace(b"\r\n", b"\n").partition(b"\n\n")
    return head.split(b"\n")[0].decode(), body.decode().strip()


def as_oracle(item: Item) -> object:
    if isinstance(item, ChangeSet):
        return [as_oracle(request) for request in item.requests]
    return f"{item.method} {item.url} HTTP/1.1", item.body.replace(b"\r\n", b"\n").decode().strip()


bodies = st.sampled_from(
    [b"", b'{"name":"Caf\xc3\xa9"}', b'{"a":1,\n "b":[2]}', b"--batch_10 is not a boundary", b"{}"]
)
requests_ = st.builds(
    Embedded,
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
    url=st.sampled_from(
        ["accounts", "/api/data/v9.2/accounts?$filter=name eq 'x  y' and a ne null", "http://h/api/data/v9.2/$1/name"]
    ),
    headers=st.sampled_from([{}, {"content-type": "application/json"}, {"if-match": 'W/"1"', "prefer": "a=b,c"}]),
    body=bodies,
)
change_sets = st.lists(requests_, min_size=1, max_size=3).map(lambda some: ChangeSet(tuple(some)))


@given(st.lists(st.one_of(requests_, change_sets), min_size=1, max_size=5), st.sampled_from(["\r\n", "\n"]))
def test_what_clients_write_is_read_back_as_the_email_parser_reads_it(items: list[Item], line_end: str) -> None:
    body = written(items, line_end)
    read = parse_batch(TYPE, body)
    assert [as_oracle(item) for item in read] == [as_oracle(item) for item in items]
    assert [as_oracle(item) for item in read] == read_by_email(TYPE, body)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/mixed;boundary=batch_1",
        "multipart/mixed; boundary=batch_1",
        'multipart/mixed; boundary="batch_1"',
        'Multipart/Mixed; charset=utf-8; Boundary = "batch_1"',
    ],
)
@pytest.mark.parametrize("before", [b"", b"\r\n", b"\n", b"a preamble\r\n"])
def test_boundaries_are_read_quoted_or_not_and_whatever_stands_before_the_first(
    content_type: str, before: bytes
) -> None:
    [read] = parse_batch(content_type, before + written([Embedded("GET", "accounts")]))
    assert read == Embedded("GET", "accounts")


def test_a_get_without_any_blank_line_after_its_request_line_is_read() -> None:
    body = (
        b"--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET x y HTTP/1.1\r\n--b--"
    )
    assert parse_batch("multipart/mixed;boundary=b", body) == [Embedded("GET", "x y")]


def test_a_content_id_is_read_from_the_part_or_from_the_request() -> None:
    body = written([Embedded("GET", "a", content_id="1"), Embedded("GET", "b", {"content-id": "2"})])
    assert [item.content_id for item in parse_batch(TYPE, body) if isinstance(item, Embedded)] == ["1", "2"]


GOOD = written([Embedded("POST", "accounts", {"content-type": "application/json"}, b"{}")])
SET = ChangeSet((Embedded("POST", "accounts", content_id="1"), Embedded("POST", "accounts", content_id="1")))


@pytest.mark.parametrize(
    ("content_type", "body", "says"),
    [
        ("application/json", GOOD, "multipart/mixed"),
        ("multipart/mixed", GOOD, "boundary"),
        ("multipart/mixed; boundary=" + "x" * 71, GOOD, "boundary"),
        (TYPE, b"", "no parts"),
        (TYPE, GOOD.replace(b"--batch_1--", b""), "closing boundary"),
        (TYPE, GOOD.replace(b"application/http", b"text/plain"), "text/plain"),
        (TYPE, GOOD.replace(b"Content-Transfer-Encoding: binary\r\n", b""), "Content-Transfer-Encoding"),
        (TYPE, GOOD.replace(b" HTTP/1.1", b""), "request line"),
        (TYPE, GOOD.replace(b"POST", b"MERGE"), "request line"),
        (TYPE, GOOD.replace(b"content-type: a", b"content-type a"), "header line"),
        (TYPE, GOOD.replace(b"accounts", b"\xff\xfe"), "UTF-8"),
        (TYPE, written([SET]), "more than once"),
        (
            TYPE,
            written([ChangeSet((Embedded("GET", "a"),))]).replace(b"application/http", b"multipart/mixed; boundary=c"),
            "Nested",
        ),
    ],
)
def test_what_is_not_a_batch_is_refused_with_the_rule_it_breaks(content_type: str, body: bytes, says: str) -> None:
    with pytest.raises(BatchError, match=says):
        parse_batch(content_type, body)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader_otherwise(noise: bytes) -> None:
    for body in (noise, b"--batch_1\r\n" + noise + b"\r\n--batch_1--", GOOD[:50] + noise + GOOD[50:]):
        try:
            parse_batch(TYPE, body)
        except BatchError:
            continue


def test_answers_are_printed_as_the_email_parser_expects_them() -> None:
    row = Part(200, {"Content-Type": "application/json"}, '{"name":"ä"}'.encode())
    made = Part(204, {"OData-EntityId": "http://h/accounts(1)"}, content_id="7")
    printed = print_batch([row, [made, made], row], "r", (f"c{n}" for n in itertools.count()))
    assert read_by_email("multipart/mixed; boundary=r", printed) == [
        ("HTTP/1.1 200 OK", '{"name":"ä"}'),
        [("HTTP/1.1 204 No Content", "")] * 2,
        ("HTTP/1.1 200 OK", '{"name":"ä"}'),
    ]
    assert printed.count(b"Content-ID: 7\r\n") == 2
