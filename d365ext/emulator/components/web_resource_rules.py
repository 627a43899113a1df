"""What a web resource must be: a name with a prefix, a known type, content in base64 that is not too big.

Owns the checks on writes of webresource rows.
Source: powerapps-docs developer/model-driven-apps/web-resources.md (types, size, prefix); codes and words:
…/includes/data-service-error-codes.md, WebResource….
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from d365ext.emulator.documents.naming import prefixes
from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session
from d365ext.emulator.store.schema import Table

TYPES = range(1, 13)
_NAME = re.compile(r"[A-Za-z0-9._]+(/[A-Za-z0-9._]+)*", re.ASCII)
_EXTENSIONS = (".aspx", ".ascx", ".asmx", ".ashx")


def before_write(session: Session, table: Table, row_id: str | None, changes: dict[str, Any]) -> None:
    """Check a web resource that is created or changed."""
    if row_id is None:
        _check_name(session, str(changes.get("name") or ""))
        if changes.get("webresourcetype") not in TYPES:
            raise Problem(400, "0x8004F111", "Invalid web resource type specified.")
    if changes.get("content"):
        _check_content(session, str(changes["content"]))


def _check_name(session: Session, name: str) -> None:
    if not name:
        raise Problem(400, "0x8004F116", "Webresource name cannot be null or empty.")
    prefix, mark, _ = name.partition("_")
    if not mark or prefix.lower() not in prefixes(session):
        raise Problem(400, "0x8004F118", "Webresource name does not contain a valid prefix.")
    if "//" in name or not _NAME.fullmatch(name):
        raise Problem(
            400,
            "0x8004F117",
            "Web resource names may only include letters, numbers, periods, and nonconsecutive forward slash "
            "characters.",
        )
    if name.lower().endswith(_EXTENSIONS):
        raise Problem(
            400,
            "0x8004F119",
            "A Web resource cannot have the following file extensions: .aspx, .ascx, .asmx or .ashx.",
        )
    if session.raw.execute("SELECT 1 FROM webresource WHERE name = ? COLLATE NOCASE", (name,)).fetchone():
        raise Problem(400, "0x8004F115", "A webresource with the same name already exists. Use a different name.")


def _check_content(session: Session, content: str) -> None:
    """Check the content: base64 (the code for what is not is inferred), at most Organization.MaxUploadFileSize."""
    try:
        size = len(base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Problem.payload("The content of a web resource must be base64.") from error
    (limit,) = session.raw.execute("SELECT maxuploadfilesize FROM organization").fetchone()
    if limit is not None and size > limit:
        raise Problem(400, "0x8004F114", "Webresource content size is too big.")
