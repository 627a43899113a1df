"""The certificate file: every way it can be wrong is said before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from d365ext.errors import SettingsError
from d365ext.webapi.certificate import read_certificate
from support.certificates import a_certificate


@pytest.mark.parametrize("form", ["pem", "pfx"])
@pytest.mark.parametrize("password", [None, "pass-word"])
def test_both_forms_give_an_open_key_and_the_certificate(tmp_path: Path, form: str, password: str | None) -> None:
    path = a_certificate(tmp_path, form, password=password)
    read = read_certificate(path, SecretStr(password) if password else None)
    assert read["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert read["public_certificate"].startswith("-----BEGIN CERTIFICATE-----")


def test_a_pem_may_have_its_key_first_and_an_unneeded_password(tmp_path: Path) -> None:
    path = a_certificate(tmp_path, "pem")
    certificate, key = path.read_bytes().split(b"-----BEGIN PRIVATE")
    path.write_bytes(b"-----BEGIN PRIVATE" + key + certificate)
    assert read_certificate(path, SecretStr("unneeded"))["private_key"]


@pytest.mark.parametrize("form", ["pem", "pfx"])
@pytest.mark.parametrize("password", [None, "", "wrong-one"])
def test_a_wrong_or_missing_password_is_said_without_saying_it(tmp_path: Path, form: str, password: str | None) -> None:
    path = a_certificate(tmp_path, form, password="right-one")
    with pytest.raises(SettingsError, match="D365EXT_CERTIFICATE_PASSWORD") as caught:
        read_certificate(path, None if password is None else SecretStr(password))
    assert caught.value.key == "certificate_path"
    assert caught.value.file == str(path)
    assert "wrong-one" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"\x00garbage", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="no certificate and private key"):
        read_certificate(path, None)


@pytest.mark.parametrize("missing", ["PRIVATE KEY", "CERTIFICATE"])
def test_a_pem_that_lacks_a_part_is_said(tmp_path: Path, missing: str) -> None:
    path = a_certificate(tmp_path, "pem")
    text = path.read_text()
    begin, end = f"-----BEGIN {missing}-----", f"-----END {missing}-----\n"
    path.write_text(text[: text.index(begin)] + text[text.index(end) + len(end) :])
    with pytest.raises(SettingsError, match="both the certificate and its private key"):
        read_certificate(path, None)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_certificate(tmp_path, None)


def test_a_certificate_that_expired_is_said_with_its_day(tmp_path: Path) -> None:
    path = a_certificate(tmp_path, "pfx", until=datetime(2026, 1, 5, tzinfo=UTC))
    with pytest.raises(SettingsError, match="expired on 2026-01-05"):
        read_certificate(path, None, now=datetime(2026, 1, 6, tzinfo=UTC))
    assert read_certificate(path, None, now=datetime(2026, 1, 5, tzinfo=UTC) - timedelta(days=1))
