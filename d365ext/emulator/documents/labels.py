"""Labels as definitions carry them: {"LocalizedLabels": [{"Label", "LanguageCode", …}], "UserLocalizedLabel"}.

Owns their making, reading, merging and showing. Must not know the store.
Source: powerapps-docs …/webapi/create-update-entity-definitions-using-web-api.md: only LocalizedLabels is written,
UserLocalizedLabel "is based on the user's language preference and is read-only"; MSCRM.MergeLabels true overwrites
only labels of the same language, false (the default) loses the languages that the update does not name.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from d365ext.emulator.problems import Problem
from d365ext.emulator.session import Session

UNKNOWN_LANGUAGE = "0x80044195"  # InvalidLanguageCode


def label(texts: Mapping[int, str]) -> dict[str, Any]:
    """Make a label of texts by language code.

    >>> [each["LanguageCode"] for each in label({1033: "Bank"})["LocalizedLabels"]]
    [1033]
    """
    return {"LocalizedLabels": [_localized(language, text) for language, text in texts.items()]}


def _localized(language: int, text: str) -> dict[str, Any]:
    return {
        "Label": text,
        "LanguageCode": language,
        "IsManaged": False,
        "MetadataId": str(uuid.uuid4()),
        "HasChanged": None,
    }


def texts(document: object) -> dict[int, str]:
    """Read the texts of a label by language code; nothing where there is no label."""
    if not isinstance(document, Mapping):
        return {}
    return {each["LanguageCode"]: each["Label"] for each in document.get("LocalizedLabels") or ()}


def says_something(document: object) -> bool:
    """Say whether a label has a text in any language."""
    return any(texts(document).values())


def accepted(session: Session, given: object, before: object = None, *, merge: bool = False) -> dict[str, Any]:
    """Give the label to store when a client sends `given` over `before`.

    Languages that are not provisioned are refused or dropped, as `settings.unprovisioned_labels` says: which of the
    two the platform does is not documented [inferred; both are tested].
    """
    if given is None:
        return label(texts(before)) if merge else label({})
    if not isinstance(given, Mapping):
        raise Problem.payload("A label must be a JSON object with LocalizedLabels.")
    found: dict[int, str] = {}
    for each in given.get("LocalizedLabels") or ():
        language, text = each.get("LanguageCode"), each.get("Label")
        if not isinstance(language, int) or not isinstance(text, str | None):
            raise Problem.payload("A localized label needs a LanguageCode (a number) and a Label (a text).")
        if language in session.settings.languages:
            found[language] = text or ""
        elif session.settings.unprovisioned_labels == "reject":
            raise Problem(
                400, UNKNOWN_LANGUAGE, f"The specified language code is not valid for this organization: {language}."
            )
    kept = {**texts(before), **found} if merge else found
    return label({language: text for language, text in kept.items() if text})


def shown(value: Any, session: Session, languages: frozenset[int] | None = None) -> Any:
    """Give `value` as a reader sees it: every label inside gets its UserLocalizedLabel. Copies; changes nothing.

    A label without the user's language shows the base language's [inferred].
    """
    match value:
        case {"LocalizedLabels": list(localized)}:
            every = [{"IsManaged": False, "MetadataId": None, "HasChanged": None, **each} for each in localized]
            by_language = {each["LanguageCode"]: each for each in every}
            base = session.settings.languages[0]
            return {
                "LocalizedLabels": [each for each in every if languages is None or each["LanguageCode"] in languages],
                "UserLocalizedLabel": by_language.get(session.language) or by_language.get(base),
            }
        case dict():
            return {key: shown(inner, session, languages) for key, inner in value.items()}
        case list():
            return [shown(inner, session, languages) for inner in value]
    return value
