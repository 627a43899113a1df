"""What waits to be published, and how it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class Publication:
    """Things to be published together; `a | b` is both."""

    tables: frozenset[str] = field(default_factory=frozenset)
    choices: frozenset[str] = field(default_factory=frozenset)
    scripts: frozenset[UUID] = field(default_factory=frozenset)
    dashboards: frozenset[UUID] = field(default_factory=frozenset)
    apps: frozenset[UUID] = field(default_factory=frozenset)
    site_maps: frozenset[UUID] = field(default_factory=frozenset)

    def __or__(self, other: Publication) -> Publication:
        return Publication(
            self.tables | other.tables,
            self.choices | other.choices,
            self.scripts | other.scripts,
            self.dashboards | other.dashboards,
            self.apps | other.apps,
            self.site_maps | other.site_maps,
        )

    def __bool__(self) -> bool:
        return self != NOTHING

    def to_xml(self) -> str:
        """Write it as PublishXml wants it.

        >>> Publication(tables=frozenset({"quote", "lead"})).to_xml()
        '<importexportxml><entities><entity>lead</entity><entity>quote</entity></entities></importexportxml>'

        Source: learn.microsoft.com/power-apps/developer/model-driven-apps/publish-request-schema; `appmodules` from
                …/create-manage-model-driven-apps-using-code.
        """
        parts = [
            _listed("entities", "entity", sorted(self.tables)),
            _listed("dashboards", "dashboard", _braced(self.dashboards)),
            _listed("optionsets", "optionset", sorted(self.choices)),
            _listed("sitemaps", "sitemap", _braced(self.site_maps)),
            _listed("webresources", "webresource", _braced(self.scripts)),
            _listed("appmodules", "appmodule", sorted(map(str, self.apps))),
        ]
        return f"<importexportxml>{''.join(parts)}</importexportxml>"


NOTHING = Publication()


def _braced(ids: Iterable[UUID]) -> list[str]:
    return sorted(f"{{{each}}}" for each in ids)


def _listed(name: str, item: str, values: list[str]) -> str:
    if not values:
        return ""
    return f"<{name}>{''.join(f'<{item}>{escape(value)}</{item}>' for value in values)}</{name}>"
