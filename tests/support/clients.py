"""Our client over a session of the test's own: in process (WsgiAdapter) or over loopback."""

from __future__ import annotations

import requests

from d365ext.webapi.client import Client
from d365ext.webapi.retry import Clock, Patience, RetryingTransport
from d365ext.webapi.transport import RequestsTransport, Transport
from support.fakes import FakeClock


def client_over(session: requests.Session, url: str, *, clock: Clock | None = None) -> Client:
    """Make a client that signs in as nobody and sends by `session`. It never sleeps: waiting moves a fake clock."""
    return client_of(RequestsTransport(session, url), url, clock=clock)


def client_of(transport: Transport, url: str = "https://org.example", *, clock: Clock | None = None) -> Client:
    """Make a client over any transport, with the retries of the real one."""
    patient = RetryingTransport(transport, Patience(total_s=60.0), clock=clock or FakeClock())
    return Client(patient, url)
