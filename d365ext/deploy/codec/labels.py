"""Texts ⇄ labels.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/create-update-entity-definitions-using-web-api
(only LocalizedLabels is written; UserLocalizedLabel is computed).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.deploy.environment import Languages, Texts

_TYPE = "Microsoft.Dynamics.CRM."


def to_label(texts: Texts, languages: Languages) -> dict[str, Any]:
    """Write texts as a label, in the languages that the environment has.

    Where the environment's own language is none of ours, it gets our first language: a label needs one there
    [inferred].
    """
    return {"@odata.type": f"{_TYPE}Label", "LocalizedLabels": localized(texts, languages)}


def localized(texts: Texts, languages: Languages) -> list[dict[str, Any]]:
    """Write texts as the list of labels that SetLocLabels and Label want."""
    by_code = {languages.codes[language]: text for language, text in languages.kept(texts).items()}
    if texts:
        by_code.setdefault(languages.base, languages.in_base(texts))
    return [
        {"@odata.type": f"{_TYPE}LocalizedLabel", "Label": text, "LanguageCode": code}
        for code, text in sorted(by_code.items())
    ]


def from_label(label: Mapping[str, Any] | None, languages: Languages) -> dict[str, str]:
    """Read the texts of a label in our languages."""
    by_code = {each["LanguageCode"]: each["Label"] or "" for each in (label or {}).get("LocalizedLabels") or ()}
    return {language: by_code[code] for language, code in languages.codes.items() if by_code.get(code)}
