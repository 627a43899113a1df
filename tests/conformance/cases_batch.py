"""`$batch`. verified: docs

Source of all cases unless they name another: learn.microsoft.com/power-apps/developer/data-platform/webapi/
execute-batch-operations-using-web-api.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.batches import Answer, Op, answers, one, send, written
from support.dataverse import Dataverse, error_of

MISSING = "00000000-0000-0000-0000-00000000beef"
TOO_LONG = {"name": "x" * 161}  # account.name: 160 characters (table reference)


def rows_named(dv: Dataverse, name: str) -> list[dict[str, Any]]:
    return dv.rows(f"accounts?$select=name&$filter=name eq '{name}'")


def single(answer: Answer | list[Answer]) -> Answer:
    assert isinstance(answer, Answer)
    return answer


def set_of(answer: Answer | list[Answer]) -> list[Answer]:
    assert isinstance(answer, list)
    return answer


def test_requests_are_answered_in_order(dv: Dataverse) -> None:
    """Documented: "The order of the responses will match the order of the requests"; creates have a Location."""
    response = send(
        dv,
        [
            Op("POST", "/api/data/v9.2/accounts", {"name": "batch one"}),
            Op("POST", "/api/data/v9.2/accounts", {"name": "batch two"}),
            Op("GET", "/api/data/v9.2/accounts?$select=name&$filter=startswith(name,'batch ')&$orderby=name"),
        ],
    )
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    one_, two, listed = (single(each) for each in answers(response))
    assert (one_.status, two.status, listed.status) == (204, 204, 200)
    assert one_.headers["location"] == one_.headers["odata-entityid"]
    assert one_.headers["odata-version"] == "4.0"
    assert listed.headers["content-type"] == "application/json; odata.metadata=minimal; odata.streaming=true"
    assert [row["name"] for row in listed.json()["value"]] == ["batch one", "batch two"]
    assert [row["accountid"] for row in listed.json()["value"]] == [one_.row_id, two.row_id]
    dv.created += [one_.headers["odata-entityid"], two.headers["odata-entityid"]]


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize("content_type", ["multipart/mixed;boundary=batch_1", 'multipart/mixed; boundary="batch_1"'])
def test_line_ends_and_quotes_do_not_matter(dv: Dataverse, line_end: str, content_type: str) -> None:
    """Real clients send all of these (dataverse/conformance.md, "What the clients together force the server to do")."""
    body = line_end.encode() + written([Op("GET", "WhoAmI()"), Op("GET", "accounts?$top=1")], line_end)
    response = dv.send("POST", "$batch", body=body, headers={"Content-Type": content_type})
    assert [single(each).status for each in answers(response)] == [200, 200]


@pytest.mark.parametrize("form", ["{api}/", "/api/data/v9.2/", ""])
def test_inner_addresses_may_be_absolute_or_relative_and_hold_raw_spaces(dv: Dataverse, form: str) -> None:
    """The documentation writes `/api/data/v9.2/tasks` and `[Organization URI]/api/data/v9.2/tasks`; the official SDK
    leaves spaces in the request line (dataverse/conformance.md §2.1); OData 4.0 §11.7.2.1 allows relative ones.
    """
    row_id = dv.create("accounts", {"name": "two  spaces"})
    prefix = form.format(api=dv.api)
    got = one(send(dv, [Op("GET", f"{prefix}accounts?$select=name&$filter=name eq 'two  spaces' and name ne null")]))
    assert [row["accountid"] for row in got.json()["value"]] == [row_id]


def test_a_change_set_is_answered_as_one_and_keeps_content_ids(dv: Dataverse) -> None:
    """Documented: "Content-Type: multipart/mixed; boundary=changesetresponse_…" with the Content-ID of each request."""
    response = send(
        dv,
        [
            [
                Op("POST", "accounts", {"name": "in a set"}, content_id="1"),
                Op("POST", "contacts", {"lastname": "in a set"}, content_id="2"),
            ],
            Op("GET", "accounts?$select=name&$filter=name eq 'in a set'"),
        ],
    )
    made, listed = answers(response)
    assert [(part.status, part.content_id) for part in set_of(made)] == [(204, "1"), (204, "2")]
    assert len(single(listed).json()["value"]) == 1
    dv.created += [part.headers["odata-entityid"] for part in set_of(made)]


def test_bodies_and_addresses_refer_to_earlier_requests(dv: Dataverse) -> None:
    """Documented under "Reference URIs in an operation": in bodies, in addresses, with @odata.id, in PATCH."""
    response = send(
        dv,
        [
            [
                Op("POST", "accounts", {"name": "referred"}, content_id="1"),
                Op("POST", "contacts", {"lastname": "First"}, content_id="2"),
                Op("PUT", "$2/lastname", {"value": "Second"}, content_id="3"),
                Op("PATCH", "$1", {"primarycontactid@odata.bind": "$2"}, content_id="4"),
                Op(
                    "POST",
                    "contacts",
                    {"lastname": "Third", "parentcustomerid_account@odata.bind": "$1"},
                    content_id="5",
                ),
                Op("PUT", "$1/primarycontactid/$ref", {"@odata.id": "$5"}, content_id="6"),
            ]
        ],
    )
    parts = set_of(answers(response)[0])
    assert [part.status for part in parts] == [204] * 6
    account, second, third = (parts[n].row_id for n in (0, 1, 4))
    assert dv.get(f"contacts({second})?$select=lastname").json()["lastname"] == "Second"
    assert dv.get(f"contacts({third})?$select=_parentcustomerid_value").json()["_parentcustomerid_value"] == account
    assert dv.get(f"accounts({account})?$select=_primarycontactid_value").json()["_primarycontactid_value"] == third
    assert parts[3].headers["odata-entityid"].endswith(f"accounts({account})")  # as printed there for a PATCH
    assert parts[3].headers["location"] == parts[3].headers["odata-entityid"]
    dv.created += [parts[n].headers["odata-entityid"] for n in (0, 1, 4)]


def test_a_reference_before_its_declaration_is_refused(dv: Dataverse) -> None:
    """Documented: HTTP 400, "Content-ID Reference: '$1' does not exist in the batch context." Nothing stays."""
    response = send(
        dv,
        [
            [
                Op("POST", "contacts", {"lastname": "x", "parentcustomerid_account@odata.bind": "$1"}, content_id="2"),
                Op("POST", "accounts", {"name": "declared too late"}, content_id="1"),
            ]
        ],
    )
    assert response.status_code == 400
    assert one(response).json()["error"]["message"] == "Content-ID Reference: '$1' does not exist in the batch context."
    assert rows_named(dv, "declared too late") == []


def test_a_failed_change_set_leaves_nothing_and_gives_one_answer(dv: Dataverse) -> None:
    """It fails whole: "any completed operations will be rolled back"; OData 4.0 §11.7.4: it is answered by one part."""
    response = send(dv, [[Op("POST", "accounts", {"name": "rolled back"}), Op("POST", "accounts", TOO_LONG)]])
    assert response.status_code == 400
    failed = one(response)
    assert (failed.status, failed.json()["error"]["code"]) == (400, "0x80044331")
    assert rows_named(dv, "rolled back") == []


@pytest.mark.local
@pytest.mark.parametrize("emulator_settings", [{"failed_change_set": "multipart"}])
def test_a_failed_change_set_may_also_be_answered_inside_a_set(dv: Dataverse) -> None:
    """As Microsoft.AspNet.OData writes it; which of the two the service does is not documented."""
    response = send(dv, [[Op("POST", "accounts", TOO_LONG)]])
    [found] = answers(response)
    assert [part.status for part in set_of(found)] == [400]


def test_the_first_failure_ends_the_batch_and_gives_its_status(dv: Dataverse) -> None:
    """Documented: "the error for that request will be returned … and more requests won't be processed".

    What was done before it stays (inferred: single requests are their own transactions).
    """
    response = send(
        dv,
        [
            Op("POST", "accounts", {"name": "before the failure"}),
            Op("POST", "accounts", TOO_LONG),
            Op("POST", "accounts", {"name": "after the failure"}),
        ],
    )
    assert response.status_code == 400
    done, failed = (single(each) for each in answers(response))
    assert (done.status, failed.status) == (204, 400)
    assert failed.json()["error"]["code"] == "0x80044331"
    assert "req_id" in failed.headers
    assert len(rows_named(dv, "before the failure")) == 1
    assert rows_named(dv, "after the failure") == []
    dv.created.append(done.headers["odata-entityid"])


def test_continue_on_error_answers_every_request(dv: Dataverse) -> None:
    """With `Prefer: odata.continue-on-error` 200; "individual response errors will be returned in the … body"."""
    response = send(
        dv,
        [
            Op("POST", "accounts", TOO_LONG),
            [Op("POST", "accounts", {"name": "set that fails"}), Op("DELETE", f"accounts({MISSING})")],
            Op("POST", "accounts", {"name": "still done"}),
        ],
        Prefer="odata.continue-on-error",
    )
    assert response.status_code == 200
    first, failed_set, last = answers(response)
    failed = failed_set if isinstance(failed_set, Answer) else failed_set[0]
    assert (single(first).status, failed.status, single(last).status) == (400, 404, 204)
    assert rows_named(dv, "set that fails") == []
    dv.created.append(single(last).headers["odata-entityid"])


def test_a_get_in_a_change_set_is_refused(dv: Dataverse) -> None:
    """Documented: "`GET` request are not allowed within change sets"."""
    response = send(dv, [[Op("POST", "accounts", {"name": "beside a get"}), Op("GET", "accounts?$top=1")]])
    assert response.status_code == 400
    assert one(response).status == 400
    assert rows_named(dv, "beside a get") == []


def test_a_batch_in_a_batch_is_refused(dv: Dataverse) -> None:
    """Documented: "can't contain other batch requests"."""
    inner = written([Op("POST", "accounts", {"name": "doubly wrapped"})]).replace(b"batch_1", b"inner_1").decode()
    lines = [
        "--batch_1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        "POST /api/data/v9.2/$batch HTTP/1.1",
        "Content-Type: multipart/mixed; boundary=inner_1",
        "",
        inner,
        "--batch_1--",
        "",
    ]
    headers = {"Content-Type": "multipart/mixed; boundary=batch_1"}
    response = dv.send("POST", "$batch", body="\r\n".join(lines), headers=headers)
    assert response.status_code == 400
    assert rows_named(dv, "doubly wrapped") == []


def test_a_thousand_requests_are_the_most(dv: Dataverse) -> None:
    """Documented: "up to 1000 individual requests"; nothing is done if there are more (inferred)."""
    get = Op("GET", "WhoAmI")
    assert len(answers(send(dv, [get] * 1000))) == 1000
    status, _, message = error_of(send(dv, [Op("POST", "accounts", {"name": "one too many"}), *[get] * 1000]))
    assert status == 400
    assert "1000" in message
    assert rows_named(dv, "one too many") == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/mixed", b"--b--"),
        ("multipart/mixed; boundary=b", b""),
        ("multipart/mixed; boundary=b", b"--b\r\nContent-Type: application/http\r\n\r\nGET accounts HTTP/1.1\r\n\r\n"),
    ],
)
def test_what_is_not_a_batch_is_refused(dv: Dataverse, content_type: str, body: bytes) -> None:
    """The form is OData 4.0 part 1 §11.7; "must contain a termination indicator"."""
    status, _, _ = error_of(dv.send("POST", "$batch", body=body, headers={"Content-Type": content_type}))
    assert status == 400


def test_upserts_and_conditions_work_inside(dv: Dataverse) -> None:
    """Parts are requests like any other: headers of their own, PATCH with If-Match, DELETE."""
    row_id = dv.create("accounts", {"name": "conditional"})
    response = send(
        dv,
        [
            Op("PATCH", f"accounts({row_id})", {"name": "changed"}, {"If-Match": "*"}),
            Op("PATCH", f"accounts({MISSING})", {"name": "not there"}, {"If-Match": "*"}),
            Op("DELETE", f"accounts({row_id})"),
        ],
        Prefer="odata.continue-on-error",
    )
    assert [single(each).status for each in answers(response)] == [204, 404, 204]
