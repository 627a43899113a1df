"""A view's file becomes the FetchXML and the layout that Dataverse keeps."""

from __future__ import annotations

from uuid import UUID

import pytest

from d365ext.definitions.views import View, ViewColumn
from d365ext.definitions.viewxml import to_fetch_xml, to_layout_xml
from d365ext.definitions.xmltext import XmlMistake, canonical, is_same_xml, parse_xml


def a_view(**more: object) -> View:
    return View(
        **{
            "key": "deals",
            "id": UUID(int=1),
            "table": "opportunity",
            "label": {"en": "Deals"},
            "columns": (ViewColumn(name="name", width=200), ViewColumn(name="p.name")),
            "order": ("estimatedvalue desc", "name"),
            "filter": '\n<filter>\n  <condition attribute="statecode" operator="eq" value="0" />\n</filter>\n',
            "links": '<link-entity name="account" from="accountid" to="pch_salespartnerid" alias="p">\n</link-entity>',
            **more,
        }
    )


def test_the_query_asks_for_what_is_shown() -> None:
    assert to_fetch_xml(a_view(), primary_id="opportunityid") == (
        '<fetch version="1.0" mapping="logical"><entity name="opportunity"><attribute name="opportunityid"/>'
        '<attribute name="name"/><order attribute="estimatedvalue" descending="true"/>'
        '<order attribute="name" descending="false"/>'
        '<filter><condition attribute="statecode" operator="eq" value="0"/></filter>'
        '<link-entity name="account" from="accountid" to="pch_salespartnerid" alias="p"><attribute name="name"/>'
        "</link-entity></entity></fetch>"
    )


def test_a_column_of_a_joined_table_is_asked_for_once() -> None:
    links = '<link-entity name="account" alias="p"><attribute name="name"/></link-entity>'
    columns = (ViewColumn(name="p.name"), ViewColumn(name="p.telephone1"))
    fetch = to_fetch_xml(a_view(links=links, columns=columns), primary_id="opportunityid")
    assert '<attribute name="name"/><attribute name="telephone1"/></link-entity>' in fetch


def test_a_table_joined_to_a_joined_table_gives_its_columns_too() -> None:
    links = '<link-entity name="account" alias="p"><link-entity name="contact" alias="c"/></link-entity>'
    fetch = to_fetch_xml(a_view(links=links, columns=(ViewColumn(name="c.fullname"),)), primary_id="opportunityid")
    assert '<link-entity name="contact" alias="c"><attribute name="fullname"/></link-entity>' in fetch


def test_the_layout_shows_the_columns_in_their_order_and_width() -> None:
    assert to_layout_xml(a_view(), primary_id="opportunityid", primary_name="name") == (
        '<grid name="resultset" jump="name" select="1" icon="1" preview="1"><row name="result" id="opportunityid">'
        '<cell name="name" width="200"/><cell name="p.name" width="100" disableSorting="1"/></row></grid>'
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('<a x="1" y="2"/>', "<a y='2'  x='1'></a>", True),
        ("<a> <b/> </a>", "<a><b/></a>", True),
        ("<a><!-- why --><b/></a>", "<a><b/></a>", True),
        ("<a><b/><c/></a>", "<a><c/><b/></a>", False),
        ("<a>x</a>", "<a>y</a>", False),
        ("not xml", "not xml", True),
        ("not xml", "<a/>", False),
    ],
)
def test_xml_is_compared_by_meaning(one: str, other: str, same: bool) -> None:
    assert is_same_xml(one, other) is same


def test_xml_with_a_doctype_is_refused() -> None:
    with pytest.raises(XmlMistake, match="DOCTYPE"):
        parse_xml('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')


def test_broken_xml_names_its_line() -> None:
    with pytest.raises(XmlMistake) as caught:
        canonical("<a>\n<b>\n</a>")
    assert caught.value.line == 3
