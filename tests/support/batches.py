"""`$batch` as conformance cases write and read it: by hand, and with the standard library's e-mail parser."""

from __future__ import annotations

import email
import email.policy
import json as jsonlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import requests

from support.dataverse import Dataverse


@dataclass(frozen=True)
class Op:
    """One request of a batch. `url` is written as it is."""

    method: str
    url: str
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_id: str | None = None

    def lines(self) -> list[str]:
        """Write it as a MIME part, after its delimiter."""
        head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
        if self.content_id is not None:
            head.append(f"Content-ID: {self.content_id}")
        headers = [f"{name}: {value}" for name, value in self.headers.items()]
        if self.json is None:
            return [*head, "", f"{self.method} {self.url} HTTP/1.1", *headers, "", ""]
        body = jsonlib.dumps(self.json)
        return [*head, "", f"{self.method} {self.url} HTTP/1.1", "Content-Type: application/json", *headers, "", body]


@dataclass(frozen=True)
class Answer:
    """One response inside a batch's answer."""

    status: int
    headers: Mapping[str, str]
    body: str
    content_id: str | None

    def json(self) -> Any:
        """Parse the body."""
        return jsonlib.loads(self.body)

    @property
    def row_id(self) -> str:
        """The id in OData-EntityId."""
        return self.headers["odata-entityid"].rsplit("(", 1)[1].rstrip(")")


def written(items: Sequence[Op | Sequence[Op]], line_end: str = "\r\n") -> bytes:
    """Write the body of a batch with boundary `batch_1`; a sequence inside is a change set."""
    out: list[str] = []
    for number, item in enumerate(items):
        out.append("--batch_1")
        if isinstance(item, Op):
            out += item.lines()
            continue
        out += [f"Content-Type: multipart/mixed; boundary=changeset_{number}", ""]
        for op in item:
            out += [f"--changeset_{number}", *op.lines()]
        out.append(f"--changeset_{number}--")
    return line_end.join([*out, "--batch_1--", ""]).encode()


def send(dv: Dataverse, items: Sequence[Op | Sequence[Op]], **headers: str) -> requests.Response:
    """Send a batch."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return dv.send(
        "POST",
        "$batch",
        body=written(items),
        headers={"Content-Type": 'multipart/mixed; boundary="batch_1"', **sent},
    )


def answers(response: requests.Response) -> list[Answer | list[Answer]]:
    """Read the answer to a batch; the answers of a change set are a list."""
    whole = b"Content-Type: " + response.headers["Content-Type"].encode() + b"\r\n\r\n" + response.content
    message = email.message_from_bytes(whole, policy=email.policy.HTTP)
    return [_read(part) for part in message.get_payload()]  # type: ignore[union-attr]


def _read(part: Message) -> Answer | list[Answer]:
    if part.is_multipart():
        return [_one(inner) for inner in part.get_payload()]  # type: ignore[union-attr, arg-type]
    return _one(part)


def _one(part: Message) -> Answer:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    head, _, body = payload.decode().partition("\r\n\r\n")
    line, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    return Answer(int(line.split()[1]), headers, body.strip(), part["Content-ID"])


def one(response: requests.Response) -> Answer:
    """Give the only answer of a batch, whether it stands in a change set or not."""
    [found] = answers(response)
    if isinstance(found, list):
        [found] = found
    return found
