"""Reads the certificate and private key that an application signs in with: PEM or PFX."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pydantic import SecretStr

from d365ext.errors import SettingsError

_KEY = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", re.DOTALL)


def read_certificate(path: Path, password: SecretStr | None, *, now: datetime | None = None) -> dict[str, str]:
    """Give key and certificate in the form that MSAL wants.

    A file with a PEM header is PEM (certificate and private key, in any order), any other is PFX.

    Errors:  SettingsError if it cannot be read, is neither, lacks a part, the password is wrong, or it has expired.
    Source:  msal-python.readthedocs.io, ClientApplication `client_credential` (`private_key`, `public_certificate`).
    """
    secret = password.get_secret_value().encode() if password and password.get_secret_value() else None
    try:
        content = path.read_bytes()
        key, certificate = _pem(content, secret) if b"-----BEGIN" in content else _pfx(content, secret)
    except OSError as cause:
        raise _wrong(f"{path} cannot be read: {cause.strerror}.", path) from cause
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        hint = "Check D365EXT_CERTIFICATE_PASSWORD, and that the file holds both the certificate and its private key."
        raise _wrong(f"{path} holds no certificate and private key that can be opened.", path, hint=hint) from cause
    if certificate.not_valid_after_utc < (now or datetime.now(UTC)):
        expired = certificate.not_valid_after_utc.date().isoformat()
        hint = "Make a new one and add it to the app registration."
        raise _wrong(f"The certificate in {path} expired on {expired}.", path, hint=hint)
    return {
        "private_key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "public_certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }


def _pem(content: bytes, password: bytes | None) -> tuple[Any, x509.Certificate]:
    found = _KEY.search(content)
    if found is None:
        raise ValueError("no private key")
    is_encrypted = b"ENCRYPTED" in found[0]
    key = serialization.load_pem_private_key(found[0], password if is_encrypted else None)
    return key, x509.load_pem_x509_certificate(content)


def _pfx(content: bytes, password: bytes | None) -> tuple[Any, x509.Certificate]:
    key, certificate, _ = pkcs12.load_key_and_certificates(content, password)
    if key is None or certificate is None:
        raise ValueError("a part is missing")
    return key, certificate


def _wrong(message: str, path: Path, *, hint: str = "") -> SettingsError:
    return SettingsError(message, key="certificate_path", file=str(path), hint=hint)
