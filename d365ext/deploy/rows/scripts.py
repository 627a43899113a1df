"""Scripts and their texts as rows of webresource.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/web-resources (types 3 script, 12 texts; content in
base64), …/web-resource-dependencies (texts are loaded with a script that names them); the XML of the dependencies as
real solutions have it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

from lxml import etree

from d365ext.definitions.ids import component_id
from d365ext.definitions.scripts import Script
from d365ext.definitions.solution import Solution
from d365ext.deploy.component import SCRIPT, Component
from d365ext.deploy.environment import Languages
from d365ext.deploy.publication import Publication

_SCRIPT, _TEXTS = 3, 12


def script_components(solution: Solution, languages: Languages) -> Iterator[Component]:
    """Make the rows of the texts that the environment can use, then of the scripts that depend on them."""
    texts = list(_texts(solution, languages))
    yield from (_component(each, texts) for each in texts)
    for script in solution.scripts.values():
        if script.language is None:
            yield _component(script, texts)


def _texts(solution: Solution, languages: Languages) -> Iterator[Script]:
    """Give the texts in the languages that are there, and our first ones for a base language that is not ours."""
    codes = {languages.codes[language] for language in languages.present}
    given = [each for each in solution.scripts.values() if each.language is not None]
    yield from (each for each in given if each.language in codes)
    if languages.base not in codes and given:
        first = next(iter(languages.codes.values()))
        for each in given:
            if each.language == first:
                name = each.name.replace(f".{first}.", f".{languages.base}.")
                yield replace(each, name=name, language=languages.base)


def _component(script: Script, texts: list[Script]) -> Component:
    is_script = script.language is None
    columns = {"displayname": script.key, "content": base64.b64encode(script.content).decode()}
    if is_script and texts:
        columns["dependencyxml"] = _dependencies(script, texts)
    create_only = {"name": script.name, "webresourcetype": _SCRIPT if is_script else _TEXTS}
    if script.language is not None:
        create_only["languagecode"] = script.language
    return Component(
        kind=SCRIPT,
        id=script.id,
        key=script.key if script.key.endswith(".js") else f"{script.key.split('.')[0]}.{script.language}.resx",
        texts={},
        columns=columns,
        xml=frozenset({"dependencyxml"}),
        create_only=create_only,
        publication=Publication(scripts=frozenset({script.id})),
    )


def _dependencies(script: Script, texts: list[Script]) -> str:
    root = etree.Element("Dependencies")
    of_scripts = etree.SubElement(root, "Dependency", componentType="WebResource")
    for each in texts:
        unique = component_id("dependency", f"{script.name}:{each.name}")
        library = etree.SubElement(of_scripts, "Library", name=each.name, displayName=each.key)
        library.attrib.update(
            {"languagecode": str(each.language), "description": "", "libraryUniqueId": f"{{{unique}}}"}
        )
    return etree.tostring(root, encoding="unicode")
