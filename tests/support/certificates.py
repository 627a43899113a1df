"""Makes a certificate with its private key, as PEM or PFX, signed by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def a_certificate(folder: Path, form: str, *, password: str | None = None, until: datetime | None = None) -> Path:
    """Write `form` ("pem" or "pfx") into `folder` and give the file."""
    until = until or datetime.now(UTC) + timedelta(days=30)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "d365ext test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key().public_key())
        .serial_number(1)
        .not_valid_before(until - timedelta(days=60))
        .not_valid_after(until)
        .sign(_key(), hashes.SHA256())
    )
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        locked = serialization.BestAvailableEncryption(password.encode())
    path = folder / f"certificate.{form}"
    if form == "pem":
        key = _key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key)
    else:
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"test", _key(), certificate, None, locked))
    return path
