"""The text of a batch: written as the RFC says, read as servers write it."""

from __future__ import annotations

import pytest

from d365ext.webapi.multipart import PartReply, PartRequest, read, write


def test_a_batch_is_written_with_crlf_as_in_the_documentation() -> None:
    text = write(
        [
            PartRequest("GET", "/api/data/v9.2/accounts", {"Accept": "application/json"}, b""),
            [
                PartRequest("POST", "/api/data/v9.2/tasks", {"Content-Type": "application/json"}, b'{"a":1}', "1"),
                PartRequest("PATCH", "$1", {}, b"{}", "2"),
            ],
        ],
        "B",
    )
    assert text.decode() == "\r\n".join(
        [
            "--B",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            "GET /api/data/v9.2/accounts HTTP/1.1",
            "Accept: application/json",
            "",
            "",
            "--B",
            'Content-Type: multipart/mixed; boundary="changeset_2_B"',
            "",
            "--changeset_2_B",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "Content-ID: 1",
            "",
            "POST /api/data/v9.2/tasks HTTP/1.1",
            "Content-Type: application/json",
            "",
            '{"a":1}',
            "--changeset_2_B",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "Content-ID: 2",
            "",
            "PATCH $1 HTTP/1.1",
            "",
            "{}",
            "--changeset_2_B--",
            "",
            "--B--",
            "",
        ]
    )


@pytest.mark.parametrize(
    "part",
    [
        PartRequest("GET", "/a HTTP/1.1\r\nX: y", {}, b""),
        PartRequest("GET", "/a", {"If-Match": "x\nHost: evil"}, b""),
    ],
)
def test_a_line_break_cannot_begin_another_operation(part: PartRequest) -> None:
    with pytest.raises(ValueError, match="line break"):
        write([part], "B")


ANSWER = b"""--batchresponse_1
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal; odata.streaming=true
OData-Version: 4.0

{"value":["one",
"two"]}
--batchresponse_1
Content-Type: multipart/mixed; boundary=changesetresponse_2

--changesetresponse_2
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-EntityId: https://org.example/api/data/v9.2/tasks(1)
Location: https://org.example/api/data/v9.2/tasks(1)


--changesetresponse_2
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 204 No Content
content-id: 2

--changesetresponse_2--

--batchresponse_1--
"""


@pytest.mark.parametrize("text", [ANSWER, ANSWER.replace(b"\n", b"\r\n")], ids=["LF", "CRLF"])
def test_answers_are_read_with_either_line_end_and_change_sets_inside(text: bytes) -> None:
    first, second = read(text, 'multipart/mixed; boundary="batchresponse_1"')
    assert isinstance(first, PartReply)
    assert first.status == 200
    assert first.headers["odata-version"] == "4.0"
    assert first.body.replace(b"\r\n", b"\n") == b'{"value":["one",\n"two"]}'
    assert isinstance(second, list)
    assert [(one.status, one.body, one.content_id) for one in second] == [(204, b"", "1"), (204, b"", "2")]
    assert second[0].headers["OData-EntityId"] == "https://org.example/api/data/v9.2/tasks(1)"


def test_a_preamble_and_an_epilogue_are_passed_over() -> None:
    text = b"hello\r\n--B\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--B-- \r\nbye"
    assert [one.status for one in read(text, "multipart/mixed;boundary=B") if isinstance(one, PartReply)] == [204]


def test_a_boundary_inside_a_longer_one_is_not_one() -> None:
    text = b'--B\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"\\r\\n--BX"\r\n--BX\r\nmore\r\n--B--\r\n'
    assert len(read(text, "multipart/mixed; boundary=B")) == 1


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (b"{}", "application/json", "not multipart"),
        (b"{}", "", "not multipart"),
        (b"--B\r\n\r\n", "multipart/mixed", "not multipart"),
        (b"--B\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "multipart/mixed; boundary=B", "closing"),
        (b"", "multipart/mixed; boundary=B", "closing"),
        (b"--B\r\n\r\nGARBAGE\r\n--B--", "multipart/mixed; boundary=B", "status line"),
        (b"--B\r\n\r\nHTTP/1.1 OK\r\n--B--", "multipart/mixed; boundary=B", "status line"),
    ],
)
def test_what_is_no_answer_to_a_batch_is_refused(text: bytes, kind: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(text, kind)
