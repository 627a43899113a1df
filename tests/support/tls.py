"""The local Dataverse over TLS, for clients that insist on https: a throw-away authority and Werkzeug's own server.

waitress speaks no TLS. What is served is the same application, which sees `https` as its scheme, so that the addresses
in its answers can be followed.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from d365ext.emulator import Emulator


@dataclass(frozen=True)
class ServedOverTls:
    """A running server: its address, and the certificate of the authority that vouches for it."""

    url: str
    authority: Path


class _Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *args: Any) -> None:
        """Say nothing: the emulator's trace knows what was asked."""


@contextmanager
def running_over_tls(emulator: Emulator, folder: Path) -> Iterator[ServedOverTls]:
    """Serve `emulator` on a free port of loopback until the block ends; certificates are written into `folder`."""
    authority, chain = certificates(folder)
    server = make_server(
        "127.0.0.1", 0, emulator.wsgi, threaded=True, request_handler=_Silent, ssl_context=(str(chain), str(chain))
    )
    thread = threading.Thread(target=server.serve_forever, name="local-dataverse-tls", daemon=True)
    thread.start()
    try:
        yield ServedOverTls(f"https://localhost:{server.server_port}", authority)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificates(folder: Path) -> tuple[Path, Path]:
    """Write an authority's certificate, and a server's for loopback with its key; both are good for a day."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "d365ext throw-away authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    loopback = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address(0x7F000001))]
    )
    root = _certificate(
        issuer, issuer, authority_key, authority_key, [(x509.BasicConstraints(ca=True, path_length=0), True)]
    )
    leaf = _certificate(subject, issuer, key, authority_key, [(loopback, False)])
    authority, chain = folder / "authority.pem", folder / "server.pem"
    authority.write_bytes(root)
    chain.write_bytes(leaf + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return authority, chain


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signed_by: ec.EllipticCurvePrivateKey,
    extensions: list[tuple[x509.ExtensionType, bool]],
) -> bytes:
    now = datetime.now(UTC)
    is_authority = key is signed_by
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority,
                key_cert_sign=is_authority,
                crl_sign=is_authority,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signed_by, hashes.SHA256()).public_bytes(Encoding.PEM)
