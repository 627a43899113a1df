"""Every reply and every exception of `requests` becomes one of our errors, of the right kind, saying what to do."""

from __future__ import annotations

import json
import socket
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from urllib3 import exceptions as wire

from d365ext import errors
from d365ext.webapi import faults
from support.fakes import a_reply, a_request

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
POOL: Any = None


# ---------------------------------------------------------------- exceptions


def _all_subclasses(root: type[Exception]) -> list[type[Exception]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _all_subclasses(child))]


def _raised(kind: type[Exception]) -> Exception:
    if issubclass(kind, requests.exceptions.JSONDecodeError):
        return kind("Expecting value", "<html>", 0)
    return kind("something")


MAY_HAVE_BEEN_SENT = {
    "RequestException": True,
    "HTTPError": True,
    "ConnectionError": True,
    "ProxyError": False,
    "SSLError": True,
    "Timeout": True,
    "ConnectTimeout": False,
    "ReadTimeout": True,
    "TooManyRedirects": True,
    "ChunkedEncodingError": True,
    "ContentDecodingError": True,
    "StreamConsumedError": True,
    "RetryError": True,
    "InvalidJSONError": True,
    "JSONDecodeError": True,
    # Not even tried:
    "URLRequired": None,
    "MissingSchema": None,
    "InvalidSchema": None,
    "InvalidURL": None,
    "InvalidHeader": None,
    "InvalidProxyURL": None,
    "UnrewindableBodyError": None,
}


@pytest.mark.parametrize("kind", _all_subclasses(requests.exceptions.RequestException), ids=lambda kind: kind.__name__)
def test_every_requests_exception_is_translated_and_says_whether_it_may_have_been_sent(kind: type[Exception]) -> None:
    error = faults.from_exception(a_request(), _raised(kind), origin="https://org.example")
    assert (error.method, error.path) == ("GET", "/api/data/v9.2/accounts")
    assert error.hint
    assert "https://org.example" in error.message
    expected = MAY_HAVE_BEEN_SENT[kind.__name__]  # a new class of requests fails here until somebody decides
    if expected is None:
        assert type(error) is errors.Rejected
    else:
        assert isinstance(error, errors.ConnectionFailed)
        assert error.may_have_been_sent is expected


def _unresolved() -> Exception:
    cause = socket.gaierror(-2, "Name or service not known")
    error = wire.NameResolutionError("org.example", POOL, cause)
    error.__cause__ = cause  # as urllib3 raises it
    return error


@pytest.mark.parametrize(
    ("cause", "may_have_been_sent", "said"),
    [
        (wire.NewConnectionError(POOL, "x"), False, "could not be reached"),
        (_unresolved(), False, "name or"),
        (wire.ConnectTimeoutError(POOL, "x"), False, "could not be reached"),
        (wire.ProxyError("x", OSError("x")), False, "could not be reached"),
        (wire.ReadTimeoutError(POOL, "/", "x"), True, "was lost"),
        (
            wire.ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer")),
            True,
            "reset",
        ),
        (wire.IncompleteRead(3, 7), True, "was lost"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_connection_error_is_judged_by_what_it_wraps(cause: Exception, may_have_been_sent: bool, said: str) -> None:
    wrapped = requests.exceptions.ConnectionError(wire.MaxRetryError(POOL, "/", cause))
    error = faults.from_exception(a_request(), wrapped)
    assert isinstance(error, errors.ConnectionFailed)
    assert error.may_have_been_sent is may_have_been_sent
    assert said in error.message


def test_an_untrusted_certificate_is_not_tried_again() -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")
    error = faults.from_exception(
        a_request(), requests.exceptions.SSLError(wire.MaxRetryError(POOL, "/", wire.SSLError(cause)))
    )
    assert type(error) is errors.Rejected
    assert "certificate" in error.message
    assert "REQUESTS_CA_BUNDLE" in error.hint


def test_a_timeout_says_so() -> None:
    assert "no answer in time" in faults.from_exception(a_request(), requests.ReadTimeout("x")).message


# ---------------------------------------------------------------- replies


@pytest.mark.parametrize(
    ("status", "hint"),
    [(413, "D365EXT_BATCH_ROWS"), (500, "Microsoft's support"), (501, "does not have it"), (400, "")],
)
def test_a_refusal_says_what_to_do_where_the_status_tells(status: int, hint: str) -> None:
    error = faults.from_reply(a_request(), a_reply(status, code=""))
    assert isinstance(error, errors.Rejected)
    assert hint in error.hint
    assert bool(hint) is bool(error.hint)


def test_several_choices_are_no_success() -> None:
    assert isinstance(faults.from_reply(a_request(), a_reply(300)), errors.Rejected)


@pytest.mark.parametrize("status", [200, 201, 204, 304])
def test_a_success_is_no_error(status: int) -> None:
    assert faults.from_reply(a_request(), a_reply(status)) is None


@pytest.mark.parametrize(("code", "kind"), faults.BY_CODE.items())
def test_a_known_code_decides_whatever_the_status(code: str, kind: type[errors.DataverseError]) -> None:
    for status in (400, 404, 412, 500):
        error = faults.from_reply(a_request(), a_reply(status, code=code.upper().replace("0X", "0x")))
        assert type(error) is kind
        assert error.code == code


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Rejected),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.RowNotFound),
        (405, errors.Rejected),
        (412, errors.RowChanged),
        (413, errors.Rejected),
        (429, errors.ServiceProtection),
        (500, errors.Rejected),
        (501, errors.Rejected),
        (502, errors.ServiceUnavailable),
        (503, errors.ServiceUnavailable),
        (504, errors.ServiceUnavailable),
    ],
)
@pytest.mark.parametrize(
    "body", [{"error": {"code": "", "message": "m"}}, None, b"<html>busy</html>"], ids=["", "none", "html"]
)
def test_without_a_code_the_status_decides(status: int, kind: type[errors.DataverseError], body: object) -> None:
    error = faults.from_reply(a_request("PATCH"), a_reply(status, body))
    assert type(error) is kind
    assert (error.status, error.code, error.method, error.path) == (status, "", "PATCH", "/api/data/v9.2/accounts")


def test_the_delta_link_that_expired_is_not_a_failure_of_the_request() -> None:
    reply = a_reply(400, code="0x80044352", message="Please perform a full sync.", headers={"REQ_ID": "r1"})
    error = faults.from_reply(a_request(), reply)
    assert type(error) is errors.DeltaExpired
    assert "[request r1]" in str(error)
    assert "full sync" in str(error)


@pytest.mark.parametrize("header", ["x-ms-service-request-id", "REQ_ID", "x-ms-client-request-id"])
def test_the_request_id_is_found(header: str) -> None:
    error = faults.from_reply(a_request(), a_reply(400, code="", headers={header: "id-1"}))
    assert isinstance(error, errors.Rejected)
    assert error.request_id == "id-1"


def test_forbidden_names_the_missing_privilege() -> None:
    message = (
        "Principal user (Id=1, type=8, roleCount=1, privilegeCount=9, accessMode=4), is missing prvCreatepch_pipeline "
        "privilege (Id=2) on OTC=10001 for entity 'pch_pipeline'. context.Caller=1"
    )
    error = faults.from_reply(a_request("POST"), a_reply(403, code="0x80040220", message=message))
    assert isinstance(error, errors.Forbidden)
    assert error.privilege == "prvCreatepch_pipeline"
    assert "prvCreatepch_pipeline" in error.hint


def test_forbidden_without_a_name_still_says_what_to_do() -> None:
    error = faults.from_reply(a_request(), a_reply(403, code="0x80048405", message="Access is denied."))
    assert isinstance(error, errors.Forbidden)
    assert error.privilege == ""
    assert "security role" in error.hint


@pytest.mark.parametrize(
    ("request_", "message", "kind"),
    [
        (
            a_request("PATCH", headers={"If-None-Match": "*"}),
            "A record with matching key values already exists.",
            errors.DuplicateKey,
        ),
        (a_request("POST"), "Cannot insert duplicate key.", errors.DuplicateKey),
        (
            a_request("PATCH", headers={"If-Match": 'W/"1"'}),
            "The version of the existing record doesn't match the RowVersion property provided.",
            errors.RowChanged,
        ),
        (a_request("PATCH", headers={"If-Match": 'W/"1"'}), "Precondition failed.", errors.RowChanged),
    ],
)
def test_a_412_without_a_code_is_told_apart_by_request_and_message(
    request_: Any, message: str, kind: type[errors.DataverseError]
) -> None:
    assert type(faults.from_reply(request_, a_reply(412, code="", message=message))) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Mon, 05 Jan 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Mon, 05 Jan 2026 12:00:30 GMT", "Date": "Mon, 05 Jan 2026 12:00:20 GMT"}, 10.0),
        ({"Retry-After": "Mon, 05 Jan 2026 12:00:30 -0000"}, 30.0),
        ({"Retry-After": "Mon, 05 Jan 2026 11:59:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_as_seconds_or_as_a_date(
    headers: dict[str, str], seconds: float | None, status: int
) -> None:
    error = faults.from_reply(a_request(), a_reply(status, code="", headers=headers), now=NOW)
    assert isinstance(error, errors.Retriable)
    assert error.retry_after_s == seconds


def test_without_a_clock_a_date_is_measured_from_this_moment() -> None:
    error = faults.from_reply(a_request(), a_reply(429, headers={"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}))
    assert isinstance(error, errors.ServiceProtection)
    assert error.retry_after_s == 0.0


@pytest.mark.parametrize(
    ("location", "host"), [("https://login.example/sign-in?token=x", "login.example"), (None, "another place")]
)
def test_a_redirect_is_refused_and_says_where_it_led(location: str | None, host: str) -> None:
    headers = {"Location": location} if location else {}
    error = faults.from_reply(a_request(), a_reply(302, headers=headers))
    assert type(error) is errors.Rejected
    assert host in error.message
    assert "token=x" not in str(error)
    assert "D365EXT_URL" in error.hint


def test_a_batch_that_stopped_speaks_by_its_parts() -> None:
    reply = a_reply(400, b"--x", headers={"Content-Type": "multipart/mixed; boundary=x"})
    assert faults.from_reply(a_request("POST"), reply) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"busy",
        b"[]",
        b"null",
        b'{"error": "text"}',
        b'{"error": {}}',
        b"\xff\xfe",
        json.dumps({"Message": "x"}).encode(),
    ],
)
def test_a_body_that_is_not_the_platforms_still_makes_an_error(body: bytes) -> None:
    error = faults.from_reply(a_request(), a_reply(400, body))
    assert isinstance(error, errors.Rejected)
    assert error.message


def test_an_endless_explanation_is_cut() -> None:
    error = faults.from_reply(a_request(), a_reply(400, code="", message="x" * 100_000))
    assert len(str(error)) < 3000


def test_what_the_answer_lacks_is_said() -> None:
    request, reply = a_request(), a_reply(200, headers={"REQ_ID": "r1", "Content-Type": "text/html"})
    assert "text/html" in str(faults.not_json(request, reply))
    for error in (faults.no_id, faults.no_delta_link):
        assert str(error(request, reply)).startswith("[request r1] GET /api/data/v9.2/accounts → 200:")
    assert "2 answers" in faults.not_multipart(request, reply, "2 answers").message


def test_a_foreign_link_names_both_hosts_and_no_query() -> None:
    error = faults.foreign_link("https://evil.example/api?$skiptoken=secret", "https://org.example")
    assert "https://evil.example" in str(error)
    assert "https://org.example" in str(error)
    assert "secret" not in str(error)


def test_a_gate_that_stays_closed_is_a_429_with_the_time_left() -> None:
    error = faults.still_throttled(a_request(), 1234.0)
    assert (error.status, error.retry_after_s) == (429, 1234.0)
    assert "1234 s" in str(error)


# ---------------------------------------------------------------- sign-in


@pytest.mark.parametrize(
    ("result", "code", "said"),
    [
        (
            {
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2",
                "correlation_id": "c1",
            },
            "AADSTS7000215",
            "D365EXT_CLIENT_SECRET",
        ),
        ({"error": "invalid_grant"}, "", "invalid_grant"),
        ({}, "", "no reason was given"),
    ],
)
def test_a_refused_sign_in_says_why_and_what_to_do(result: dict[str, str], code: str, said: str) -> None:
    error = faults.from_sign_in(result)
    assert error.code == code
    assert said in str(error)
    assert "Trace ID" not in str(error)
    assert error.request_id == result.get("correlation_id", "")


def test_a_sign_in_that_cannot_begin_is_of_the_network_or_of_the_settings() -> None:
    network = faults.sign_in_unreachable(requests.ConnectTimeout("x"), authority="https://login.example")
    assert isinstance(network, errors.ConnectionFailed)
    assert not network.may_have_been_sent
    settings = faults.sign_in_unreachable(
        ValueError("Unable to get authority configuration\nmore"), authority="https://l.example"
    )
    assert type(settings) is errors.Unauthorized
    assert "more" not in settings.message
    assert "D365EXT_TENANT_ID" in settings.hint


def test_the_other_reasons_not_to_sign_in_say_what_to_do() -> None:
    assert "D365EXT_AUTH" in faults.no_managed_identity().hint
    assert "D365EXT_AUTH" in faults.nobody_to_prompt().hint
