"""Microsoft's Python SDK (PowerPlatform-Dataverse-Client) against one address, in its sync or its async tree.

    run.py --tree sync --url https://localhost:9001 --admin http://127.0.0.1:9000/_emulator

The sync tree insists on https: REQUESTS_CA_BUNDLE names the certificate of the authority that signed the server's.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import batches
import queries
import refusals
import rows
import tables
import upserts
from azure.core.credentials import AccessToken
from ledger import Operation, World, carry_out
from PowerPlatform.Dataverse.aio import AsyncDataverseClient
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.config import DataverseConfig

BOOKS = (rows.BOOK, tables.BOOK, upserts.BOOK, queries.BOOK, batches.BOOK, refusals.BOOK)
"""In this order: what one makes, the next may use."""


class Signed:
    """A credential of the sync tree."""

    def get_token(self, *scopes: str, **more: Any) -> AccessToken:
        """Give a token that the local Dataverse takes for the administrator's."""
        del scopes, more
        return AccessToken("conformance", int(time.time()) + 3600)


class SignedAsync(Signed):
    """A credential of the async tree."""

    async def get_token(self, *scopes: str, **more: Any) -> AccessToken:  # type: ignore[override]
        """Give the same token."""
        return super().get_token(*scopes, **more)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> SignedAsync:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()


async def main() -> None:
    """Run all operations."""
    parser = argparse.ArgumentParser()
    for name in ("--tree", "--url", "--admin"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # its own old names are tried too
    operations: list[Operation] = [each for book in BOOKS for each in book.operations]
    config = DataverseConfig(http_timeout=60, http_retries=1)
    with tempfile.TemporaryDirectory() as folder:
        if given.tree == "sync":
            with DataverseClient(given.url, Signed(), config) as client:
                await carry_out(operations, World(client, "sync", given.admin, Path(folder)))
        else:
            async with AsyncDataverseClient(given.url, SignedAsync(), config) as client:
                await carry_out(operations, World(client, "async", given.admin, Path(folder)))


if __name__ == "__main__":
    asyncio.run(main())
