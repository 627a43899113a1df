"""Our tabs, sections and scripts go into anybody's form and out of it, and nothing else in it moves by a byte."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

import pytest
from lxml import etree

from d365ext.definitions.forms import Cell, FormAddition, Handler, Section, Tab
from d365ext.definitions.xmltext import XmlMistake, parse_xml
from d365ext.deploy.environment import Languages
from d365ext.deploy.forms.build import FormPlace
from d365ext.deploy.forms.edit import put_in, take_out
from d365ext.deploy.forms.identity import is_made_of_names
from support.forms import customers_forms, customized, plain
from support.solutions import the_solution

THE = the_solution()
ALL = Languages(THE.languages, frozenset(THE.languages), base=1033)
FORM_ID = UUID("00000000-0000-4000-8000-00000000f0f0")
ACCOUNT = FormPlace(THE, ALL, FORM_ID, "account", frozenset())
OPPORTUNITY = FormPlace(THE, ALL, FORM_ID, "opportunity", frozenset())
TEXTS = {"en": "Mine", "fi": "Oma", "sv": "Min"}
A_PART = re.compile(r'<(?:cell|section|tab) [^>]*id="(\{[^"]+\})"')


def a_tab(*columns: str, name: str = "pch_t", label: dict[str, str] | None = None) -> FormAddition:
    cells = tuple(Cell(column=column) for column in columns or ("pch_customertype",))
    section = Section(name=f"{name}_s", label=TEXTS, cells=cells)
    return an_addition(tabs=(Tab(name=name, label=label or TEXTS, sections=(section,)),))


def an_addition(**parts: object) -> FormAddition:
    return FormAddition(**{"key": "x", "tables": ("account",), "type": "main", **parts})


def shipped(key: str) -> list[FormAddition]:
    return [THE.forms[key]]


FORMS = list(customers_forms())


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
@pytest.mark.parametrize(
    ("key", "place"), [("account-main", ACCOUNT), ("deal-main", OPPORTUNITY)], ids=["tab", "section"]
)
def test_what_goes_in_comes_out_byte_for_byte(form: str, key: str, place: FormPlace) -> None:
    inside, told = put_in(form, place, shipped(key))
    assert told
    parse_xml(inside)
    assert put_in(inside, place, shipped(key)) == (inside, ()), "a second time there is nothing to do"
    assert take_out(inside, place)[0] == form


@pytest.mark.parametrize("form", FORMS[::7], ids=range(len(FORMS[::7])))
def test_ids_are_unique_in_the_form(form: str) -> None:
    inside, _ = put_in(form, OPPORTUNITY, shipped("deal-main"))
    ids = [each.lower() for each in A_PART.findall(inside)]
    assert len(ids) == len(set(ids))


def test_everything_else_stays_where_it_is() -> None:
    """Take the inserted pieces away, and the rest is the customer's form, in its order."""
    form = customized()
    inside, _ = put_in(form, OPPORTUNITY, shipped("deal-main"))
    position = 0
    for piece in re.split(r"(?<=>)|(?=<)", form):
        found = inside.find(piece, position)
        assert found >= 0, piece
        position = found + len(piece)


def test_a_section_goes_into_the_first_tab_that_people_see() -> None:
    inside, _ = put_in(customized(), OPPORTUNITY, shipped("deal-main"))
    root = parse_xml(inside)
    (section,) = root.xpath("//section[@name='pch_partners']")  # type: ignore[misc,union-attr]
    tab = next(section.iterancestors("tab"))
    assert (tab.get("name"), section.getprevious().get("name")) == ("summary", "smb_region")


def test_a_tab_goes_after_all_others() -> None:
    inside, _ = put_in(customized(), ACCOUNT, shipped("account-main"))
    assert [tab.get("name") for tab in parse_xml(inside).iter("tab")] == ["hidden", "summary", "pch_partnerchannel"]


def test_only_languages_that_are_there_are_written() -> None:
    finnish = FormPlace(THE, Languages(THE.languages, frozenset({"fi"}), base=1035), FORM_ID, "account", frozenset())
    inside, _ = put_in(plain(), finnish, [a_tab()])
    tab = parse_xml(inside).xpath("//tab[@name='pch_t']/labels/label/@languagecode")
    assert tab == ["1035"]


def test_where_none_of_our_languages_is_the_base_one_it_gets_the_first() -> None:
    german = FormPlace(THE, Languages(THE.languages, frozenset({"sv"}), base=1031), FORM_ID, "account", frozenset())
    inside, _ = put_in(plain(), german, [a_tab()])
    labels = parse_xml(inside).xpath("//tab[@name='pch_t']/labels/label")
    assert [(each.get("languagecode"), each.get("description")) for each in labels] == [  # type: ignore[union-attr]
        ("1031", "Mine"),
        ("1053", "Min"),
    ]


def test_a_column_that_the_form_shows_elsewhere_gets_a_control_of_its_own() -> None:
    place = replace(ACCOUNT, taken=frozenset({"pch_customertype"}))
    inside, _ = put_in(plain(), place, [a_tab()])
    assert parse_xml(inside).xpath("//tab[@name='pch_t']//control/@id") == ["pch_customertype_pch"]


def test_a_contact_lookup_shows_only_people_of_the_partner_beside_it() -> None:
    inside, _ = put_in(plain(), OPPORTUNITY, shipped("deal-main"))
    (control,) = parse_xml(inside).xpath("//control[@id='pch_salespartnercontactid']")  # type: ignore[misc,union-attr]
    parameters = {each.tag: each.text for each in control.find("parameters")}
    assert parameters["FilterRelationshipName"] == "contact_customer_accounts"
    assert parameters["DependentAttributeName"] == "opportunity.pch_salespartnerid"
    assert parameters["DependentAttributeType"] == "account"


def test_a_partner_lookup_offers_one_view_and_no_recent_rows() -> None:
    inside, _ = put_in(plain(), OPPORTUNITY, shipped("deal-main"))
    (control,) = parse_xml(inside).xpath("//control[@id='pch_salespartnerid']")  # type: ignore[misc,union-attr]
    parameters = {each.tag: each.text for each in control.find("parameters")}
    view = f"{{{THE.views['sales-partners'].id}}}"
    assert (parameters["DefaultViewId"], parameters["AvailableViewIds"]) == (view, view)
    assert (parameters["DisableMru"], parameters["DisableViewPicker"]) == ("true", "true")


def test_a_subgrid_is_as_high_as_its_rows() -> None:
    inside, _ = put_in(plain(), ACCOUNT, shipped("account-main"))
    (section,) = parse_xml(inside).xpath("//section[@name='pch_channel_customer_deals']")  # type: ignore[misc,union-attr]
    assert len(section.find("rows")) == int(section.find("rows/row/cell").get("rowspan")) == 8


# ---------------------------------------------------------------- drift


def changed(form: str, old: str, new: str) -> str:
    assert old in form, old
    return form.replace(old, new, 1)


@pytest.fixture
def inside() -> str:
    return put_in(plain(), ACCOUNT, [a_tab("pch_customertype", "pch_salespartner1id")])[0]


def mended(form: str) -> tuple[str, tuple[str, ...]]:
    return put_in(form, ACCOUNT, [a_tab("pch_customertype", "pch_salespartner1id")])


def test_a_label_somebody_changed_is_mended(inside: str) -> None:
    form, told = mended(changed(inside, 'description="Oma"', 'description="Minun"'))
    assert form == inside
    assert told == (
        '~ tab pch_t - <label description="Minun" languagecode="1035">',
        '~ tab pch_t + <label description="Oma" languagecode="1035">',
    )


def test_a_cell_somebody_took_out_comes_back(inside: str) -> None:
    cell = re.search(r"<row><cell (?:(?!</cell>).)*pch_salespartner1id.*?</cell></row>", inside)
    assert cell
    form, told = mended(inside.replace(cell[0], ""))
    assert form == inside
    assert any("pch_salespartner1id" in line for line in told)


def test_what_somebody_hid_and_we_do_not_speak_of_stays(inside: str) -> None:
    hidden = changed(inside, '<tab name="pch_t"', '<tab visible="false" name="pch_t"')
    assert mended(hidden) == (hidden, ())


def test_labels_in_other_languages_stay(inside: str) -> None:
    meins = '<label description="Meins" languagecode="1031"/>'
    german = changed(inside, '<label description="Mine"', f'{meins}<label description="Mine"')
    assert mended(german) == (german, ())
    form, _ = mended(changed(german, 'description="Oma"', 'description="Minun"'))
    assert meins in form
    assert 'description="Minun"' not in form


THEIRS = '<row><cell id="{dddddddd-1111-4111-8111-111111111111}"><control id="telephone1"/></cell></row>'
END = "</rows></section></sections></column></columns></tab></tabs>"


def test_a_row_that_somebody_put_into_our_section_stays(inside: str) -> None:
    more = changed(inside, END, THEIRS + END)
    assert mended(more) == (more, ())
    form, _ = mended(changed(more, 'description="Oma"', 'description="Minun"'))
    assert "telephone1" in form
    assert 'description="Oma"' in form


def test_what_others_put_into_our_tab_outlives_us(inside: str) -> None:
    rest, told = take_out(changed(inside, END, THEIRS + END), ACCOUNT)
    assert told == ("- tab pch_t, but for what others put there",)
    assert "telephone1" in rest
    assert "pch_customertype" not in rest


def test_a_tab_moved_elsewhere_stays_there(inside: str) -> None:
    tab = re.search(r'<tab name="pch_t".*?</tab>', inside)
    assert tab
    moved = inside.replace(tab[0], "").replace("<tabs>", f"<tabs>{tab[0]}")
    assert mended(moved) == (moved, ())


def test_ids_in_capitals_are_the_same_ids(inside: str) -> None:
    tab_id = re.search(r'<tab name="pch_t" id="(\{[^}]+\})"', inside)
    assert tab_id
    upper = inside.replace(tab_id[1], tab_id[1].upper())
    assert mended(upper) == (upper, ())


def test_a_tab_that_is_no_longer_declared_goes(inside: str) -> None:
    form, told = put_in(inside, ACCOUNT, [a_tab(name="pch_new")])
    assert told == ("+ tab pch_new", "- tab pch_t")
    assert 'pch_t"' not in form


def test_a_handler_that_somebody_switched_off_is_switched_on() -> None:
    inside, _ = put_in(plain(), OPPORTUNITY, shipped("deal-main"))
    off = changed(inside, 'enabled="true" parameters=""', 'enabled="false" parameters=""')
    form, told = put_in(off, OPPORTUNITY, shipped("deal-main"))
    assert (form, told) == (inside, ("~ onload calls PartnerChannel.deal.onLoad is enabled",))


def test_a_handler_that_is_no_longer_declared_goes() -> None:
    inside, _ = put_in(plain(), OPPORTUNITY, shipped("deal-main"))
    other = THE.forms["deal-main"].model_copy(
        update={"handlers": (Handler(event="onchange", column="name", script="deal.js", function="PartnerChannel.x"),)}
    )
    form, told = put_in(inside, OPPORTUNITY, [other])
    assert told == ("+ onchange of name calls PartnerChannel.x", "- onload calls PartnerChannel.deal.onLoad")
    assert take_out(form, OPPORTUNITY)[0] == plain()


def test_a_form_with_no_place_for_a_section_is_left_alone() -> None:
    form = "<form><tabs><tab visible='false' name='x'/></tabs></form>"
    addition = an_addition(sections=(Section(name="pch_s", label=TEXTS, cells=(Cell(column="pch_customertype"),)),))
    assert put_in(form, ACCOUNT, [addition]) == (form, ())


def test_a_form_that_is_not_xml_is_refused() -> None:
    with pytest.raises(XmlMistake):
        put_in("<form>", ACCOUNT, [a_tab()])
    with pytest.raises(XmlMistake, match="DOCTYPE"):
        put_in("<!DOCTYPE form><form/>", ACCOUNT, [a_tab()])


def test_a_form_survives_hands_and_machines() -> None:
    """Whatever lxml makes of our parts is the same part to us."""
    inside, _ = put_in(customized(), ACCOUNT, shipped("account-main"))
    again = etree.tostring(parse_xml(inside), encoding="unicode")
    assert put_in(again, ACCOUNT, shipped("account-main"))[1] == ()


def test_a_script_that_is_no_longer_declared_is_not_loaded() -> None:
    inside, _ = put_in(plain(), OPPORTUNITY, shipped("deal-main"))
    fewer = THE.forms["deal-main"].model_copy(update={"scripts": ("deal.js",)})
    form, told = put_in(inside, OPPORTUNITY, [fewer])
    assert told == ("- script pch_/partnerchannel/common.js",)
    assert take_out(form, OPPORTUNITY)[0] == plain()


def test_an_id_that_is_no_guid_is_none_of_ours() -> None:
    assert not is_made_of_names("{tab}")


def test_of_several_sections_only_the_ones_with_something_of_others_outlive_us() -> None:
    other = Section(name="pch_t_other", label=TEXTS, cells=(Cell(column="pch_salespartner1id"),))
    tab = a_tab().tabs[0]
    both = an_addition(tabs=(tab.model_copy(update={"sections": (other, *tab.sections)}),))
    inside, _ = put_in(plain(), ACCOUNT, [both])
    rest, _ = take_out(changed(inside, END, THEIRS + END), ACCOUNT)
    assert [section.get("name") for section in parse_xml(rest).iter("section")] == ["info", "pch_t_s"]
