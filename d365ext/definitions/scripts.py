"""Scripts of forms and their texts: files in `scripts/`, web resources in the environment.

`account.js` becomes the web resource `pch_/partnerchannel/account.js`; `texts.fi.resx` becomes
`pch_/partnerchannel/texts.1035.resx`, which the platform loads with the scripts that depend on it.
Source: learn.microsoft.com/power-apps/developer/model-driven-apps/resx-web-resources (name.LCID.resx),
…/web-resource-dependencies (a script names the texts it depends on).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from lxml import etree

from d365ext.definitions.ids import component_id
from d365ext.definitions.parts import Rules
from d365ext.definitions.validation import Mistakes, unknown
from d365ext.definitions.xmltext import XmlMistake, parse_xml
from d365ext.errors import DefinitionError

_FOLDER = "partnerchannel"
_USED = re.compile(r"\btext\(\s*\"([^\"]+)\"")


@dataclass(frozen=True, slots=True)
class Script:
    """A web resource: a script, or the texts in one language."""

    key: str
    """The name of its file."""
    name: str
    content: bytes
    language: int | None = None
    """The language code of texts; None for a script."""

    @property
    def id(self) -> UUID:
        """Its fixed id."""
        return component_id("script", self.name)


def load_scripts(folder: Path, rules: Rules, mistakes: Mistakes) -> dict[str, Script]:
    """Read every script and text of `folder`; note texts that are missing in a language or used and nowhere written."""
    scripts: dict[str, Script] = {}
    texts: dict[str, dict[str, int]] = {}
    for path in sorted(folder.glob("*")):
        stem, _, kind = path.name.rpartition(".")
        if kind == "js":
            scripts[path.name] = Script(path.name, _web_name(rules, path.name), path.read_bytes())
        elif kind == "resx":
            base, _, language = stem.rpartition(".")
            if language not in rules.languages:
                mistakes.add(DefinitionError(unknown(language, list(rules.languages), what="language"), file=path))
                continue
            code = rules.languages[language]
            name = _web_name(rules, f"{base}.{code}.resx")
            scripts[path.name] = Script(path.name, name, path.read_bytes(), language=code)
            with mistakes.caught():
                texts[path.name] = _keys(path)
        elif not path.name.startswith("."):
            mistakes.add(DefinitionError("Only .js and .resx files stand here.", file=path))
    _same_keys(folder, texts, mistakes)
    _keys_in_use(folder, scripts, texts, mistakes)
    return scripts


def _web_name(rules: Rules, file: str) -> str:
    return f"{rules.prefix}_/{_FOLDER}/{file}"


def _keys(path: Path) -> dict[str, int]:
    """Read the keys of a file of texts, with their lines."""
    try:
        root = parse_xml(path.read_text(encoding="utf-8"))
    except XmlMistake as mistake:
        raise DefinitionError(f"This is not XML: {mistake}.", file=path, line=mistake.line) from mistake
    return {each.get("name", ""): _line(each) for each in root.iter("data")}


def _line(element: etree._Element) -> int:
    line: int | None = element.sourceline  # type: ignore[assignment]
    return line or 1


def _same_keys(folder: Path, texts: dict[str, dict[str, int]], mistakes: Mistakes) -> None:
    everything = {key for keys in texts.values() for key in keys}
    for name, keys in texts.items():
        for key in sorted(everything - keys.keys()):
            mistakes.add(DefinitionError(f"The text '{key}' is missing.", file=folder / name))


def _keys_in_use(
    folder: Path, scripts: dict[str, Script], texts: dict[str, dict[str, int]], mistakes: Mistakes
) -> None:
    everything = sorted({key for keys in texts.values() for key in keys})
    for script in scripts.values():
        if script.language is not None:
            continue
        for number, line in enumerate(script.content.decode("utf-8").splitlines(), start=1):
            for key in _USED.findall(line):
                if key not in everything:
                    message = unknown(key, everything, what="text")
                    mistakes.add(DefinitionError(message, file=folder / script.key, line=number))
