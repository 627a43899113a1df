"""Names of things that people add: prefix of a publisher, characters, and what follows from them.

Owns the rules for schema names and the plural of a table's name. Must not write.
Source: InvalidNamePrefix 0x80044366, "Custom attribute, entity, entitykey, option set and relationship names must start
with a valid customization prefix" (powerapps-docs …/includes/data-service-error-codes.md). That the prefix of any
publisher is valid, whichever solution the thing goes to, is inferred from "should match". The pattern is that of
CustomizationsSolution.xsd.
"""

from __future__ import annotations

import re

from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session

_PATTERN = re.compile(r"(?P<prefix>[A-Za-z][A-Za-z0-9]{1,7})_\w+", re.ASCII)


def checked_name(session: Session, name: object, kind: str, *, inside: bool = False) -> str:
    """Give the schema name if it is a good one for a `kind` (Entity, Attribute …); refuse it otherwise.

    With `inside` a prefix may stand after another name: account_new_tree_new_ParentId.
    """
    match = _PATTERN.fullmatch(name) if isinstance(name, str) else None
    written = match.string.lower().split("_")[: None if inside else 1] if match else []
    if match is None or prefixes(session).isdisjoint(written):
        raise Problem(
            400,
            "0x80044366",
            f"The schema name {name} for type {kind} is invalid or missing. Custom attribute, entity, entitykey, "
            "option set and relationship names must start with a valid customization prefix. The prefix for a "
            "solution component should match the prefix that is specified for the publisher of the solution.",
        )
    return match.string


def prefixes(session: Session) -> set[str]:
    """Give the customization prefixes of all publishers, in lower case."""
    found = session.raw.execute("SELECT customizationprefix FROM publisher WHERE customizationprefix <> 'none'")
    return {prefix.lower() for (prefix,) in found}


def plural(name: str) -> str:
    """Give the plural that a table's set is named by.

    Source: new_bankaccount → new_bankaccounts (…/webapi/create-update-entity-definitions-using-web-api.md); the
    English rules for other endings are inferred.

    >>> [plural(each) for each in ("new_Account", "new_Company", "new_Box", "new_Day")]
    ['new_Accounts', 'new_Companies', 'new_Boxes', 'new_Days']
    """
    if re.search(r"[^aeiou]y$", name, re.IGNORECASE):
        return name[:-1] + "ies"
    return name + ("es" if re.search(r"(s|x|z|ch|sh)$", name, re.IGNORECASE) else "s")
