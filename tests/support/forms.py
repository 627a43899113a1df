"""Forms as customers have them: Microsoft's nodes, other publishers' sections, hidden tabs, all ways to write XML."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

_TEXT = "{4273EDBD-AC1D-40D3-9FB2-095C621B552D}"


def _guid(number: int) -> str:
    """Make a random-looking id (version 4), as designers do."""
    return f"{{aaaaaaaa-{number:04x}-4111-8111-111111111111}}"


def plain(scripts: str = "") -> str:
    """Give a form written without a blank too many; `scripts` stands at its end."""
    return (
        f'<form><tabs><tab name="summary" id="{_guid(1)}" showlabel="true">'
        '<labels><label description="Summary" languagecode="1033" /></labels>'
        f'<columns><column width="100%"><sections><section name="info" id="{_guid(2)}" columns="11">'
        '<labels><label description="Info" languagecode="1033" /></labels>'
        f'<rows><row><cell id="{_guid(3)}"><labels><label description="Name" languagecode="1033" /></labels>'
        f'<control id="name" classid="{_TEXT}" datafieldname="name" /></cell></row>'
        f"</rows></section></sections></column></columns></tab></tabs>{scripts}</form>"
    )


def customized(scripts: str = "") -> str:
    """Give a form that others have had their hands on."""
    return f"""<form headerdensity='HighWithControls' >
  <tabs>
    <tab name="hidden" id='{_guid(1)}' visible="false"><labels><label description="Hidden &gt; all"
      languagecode="1033"/></labels><columns><column width="100%"><sections><section name="h" id="{_guid(2)}"
      columns="1"><rows><row/></rows></section></sections></column></columns></tab>
    <!-- Microsoft's -->
    <tab   name="summary" id="{_guid(3)}">
      <labels><label description="Öljy &amp; vesi" languagecode="1035" /></labels>
      <columns><column width="60%"><sections>
        <section name="smb_region" id="{_guid(4).upper()}" columns="1"><rows>
          <row><cell id="{_guid(5)}"><control id="smb_region" classid="{_TEXT}"
              datafieldname="smb_region"></control></cell></row>
        </rows></section>
      </sections></column><column width="40%"><sections/></column></columns>
    </tab>
  </tabs>
  <header id="{_guid(6)}" columns="111"><rows><row/></rows></header>
  {scripts}
  <DisplayConditions Order="1"><Everyone/></DisplayConditions>
</form>
"""


_HANDLER = (
    f'<Handler functionName="Smb.onLoad" libraryName="smb_/form.js" handlerUniqueId="{_guid(7)}" enabled="true" />'
)
_INTERNAL = (
    f'<InternalHandlers><Handler functionName="M" libraryName="m.js" handlerUniqueId="{_guid(8)}"/></InternalHandlers>'
)
_ON_LOAD = '<event name="onload" application="true" active="true"'
_LIBRARIES = (
    "",
    "<formLibraries/>",
    "<formLibraries />",
    "<formLibraries></formLibraries>",
    f'<formLibraries><Library name="smb_/form.js" libraryUniqueId="{_guid(9)}" /></formLibraries>',
)
_EVENTS = (
    "",
    "<events/>",
    "<events> </events>",
    '<events><event name="onsave" application="false" active="false"/></events>',
    f"<events>{_ON_LOAD}/></events>",
    f"<events>{_ON_LOAD} >{_INTERNAL}</event></events>",
    f"<events>{_ON_LOAD}><Handlers/></event></events>",
    f"<events>{_ON_LOAD}><Handlers>{_HANDLER}</Handlers></event></events>",
    '<events><event name="onload" attribute="x"><Handlers></Handlers></event></events>',
)


def customers_forms() -> Iterator[str]:
    """Give forms of every kind: with and without scripts and events, in either order."""
    for form, libraries, events in product((plain, customized), _LIBRARIES, _EVENTS):
        yield form(libraries + events)
        if libraries and events:
            yield form(f"{events}\n{libraries}")
