"""Between a solution and an environment, exactly what differs is found, and only what is ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from d365ext.definitions.columns import Choice, ChoiceColumn, Column, Date, Integer, Money, Option, Text, YesNo
from d365ext.definitions.parts import Part
from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import Cascade, ColumnMapping, Key, OwnTable, Relationship
from d365ext.definitions.views import View
from d365ext.deploy.change import Change, ModifySolution
from d365ext.deploy.compare.components import compare_components
from d365ext.deploy.diff import Difference, diff
from d365ext.deploy.environment import Environment, Found, FoundComponent, FoundKey, FoundTable, OtherColumn
from d365ext.deploy.rows import components_of
from support.environments import an_id, deployed, with_nothing
from support.solutions import the_core

THE = the_core()
LANGUAGES = deployed(THE).languages


def texts(word: str) -> dict[str, str]:
    return {"en": word, "fi": f"{word} fi", "sv": f"{word} sv"}


def lines(changes: Iterable[Change]) -> list[str]:
    """Write changes as a person reads them."""
    return [line for change in changes for line in (str(change), *(f"    {detail}" for detail in change.details))]


def changed(part: Any, **fields: Any) -> Any:
    assert isinstance(part, Part)
    return part.model_copy(update=fields)


def with_columns(**columns: Column) -> Solution:
    table = changed(THE.tables["pch_syncrun"], columns={**THE.tables["pch_syncrun"].columns, **columns})
    return replace(THE, tables={**THE.tables, "pch_syncrun": table})


def with_found(solution: Solution, table: str, name: str, what: Any, **found: Any) -> Environment:
    environment = deployed(solution)
    columns = {**environment.columns, (table, name): Found(what, an_id(table, name), **found)}
    return replace(environment, columns=columns)


# ---------------------------------------------------------------- silence


def test_a_solution_does_not_differ_from_itself() -> None:
    assert diff(THE, deployed(THE)) == Difference()


def test_what_others_have_is_not_seen() -> None:
    """Options, columns and languages that nobody declared are left alone."""
    choice = THE.choices["pch_customertype"]
    option = Option(value=100_000_007, label={"en": "Competitor"})
    theirs = changed(choice, options=(*choice.options, option), label={**choice.label, "de": "Kundentyp"})
    assert diff(THE, deployed(THE, choices={choice.name: Found(theirs, an_id(choice.name))})) == Difference()


def test_languages_that_the_environment_lacks_are_not_asked_for() -> None:
    environment = deployed(THE)
    english = {
        name: changed(each.what, label={"en": each.what.label["en"]}) for name, each in environment.choices.items()
    }
    only_english = replace(
        environment,
        languages=replace(environment.languages, present=frozenset({"en"})),
        choices={name: Found(what, environment.choices[name].id) for name, what in english.items()},
    )
    assert diff(THE, only_english).changes == ()


# ---------------------------------------------------------------- everything, in order


def test_an_empty_environment_gets_everything_once() -> None:
    difference = diff(THE, with_nothing(THE))
    subjects = [change.subject for change in difference.changes]
    assert len(subjects) == len(set(subjects))
    assert difference.refusals == difference.strays == ()
    assert {change.sign for change in difference.changes} == {"+", "~"}


def test_what_is_needed_comes_first() -> None:
    subjects = [change.subject for change in diff(THE, with_nothing(THE)).changes]

    def at(start: str) -> int:
        return next(number for number, subject in enumerate(subjects) if subject.startswith(start))

    order = ["publisher", "solution", "choice", "table pch", "column account.pch", "lookup account", "mapping", "view"]
    assert [at(start) for start in order] == sorted(at(start) for start in order)


def test_the_columns_of_a_new_table_come_with_it() -> None:
    (change,) = [each for each in diff(THE, with_nothing(THE)).changes if str(each) == "+ table pch_pipeline"]
    assert "column pch_openvalue: money, 2 decimals" in change.details


def test_the_primary_name_comes_with_its_table() -> None:
    subjects = [change.subject for change in diff(THE, with_nothing(THE)).changes]
    assert "column pch_pipeline.pch_name" not in subjects


# ---------------------------------------------------------------- heads


def test_a_publisher_with_our_name_and_another_prefix_is_refused() -> None:
    other = Found(changed(THE.publisher, prefix="abc"), an_id("publisher"))
    (reason,) = diff(THE, deployed(THE, publisher=other)).refusals
    assert "has a publisher d365ext with the prefix abc" in reason


def test_texts_of_the_publisher_are_mended() -> None:
    other = Found(changed(THE.publisher, label="Somebody"), an_id("publisher"))
    assert lines(diff(THE, deployed(THE, publisher=other)).changes) == [
        "~ publisher d365ext",
        '    label "Somebody" → "d365ext"',
    ]


def test_a_new_version_is_written_last() -> None:
    older = Found(changed(THE.solution, version="0.0.9.0"), an_id("solution"))
    changes = diff(THE, deployed(THE, solution=older, choices={})).changes
    assert lines(changes[-1:]) == ["~ solution PartnerChannel", '    version "0.0.9.0" → "0.1.0.0"']


def test_a_managed_solution_is_not_touched() -> None:
    managed = Found(THE.solution, an_id("solution"), is_managed=True)
    (reason,) = diff(THE, deployed(THE, solution=managed)).refusals
    assert "installed as managed" in reason


def test_an_apply_that_was_stopped_is_finished_by_publishing_everything() -> None:
    (change,) = diff(THE, deployed(THE, is_unfinished=True)).changes
    assert isinstance(change, ModifySolution)
    assert change.publication.tables >= {"account", "pch_pipeline"}
    assert change.publication.choices == {"pch_customertype"}


# ---------------------------------------------------------------- choices


def test_a_missing_option_is_added_and_a_renamed_one_named_back() -> None:
    choice = THE.choices["pch_customertype"]
    first = changed(choice.options[0], label={**choice.options[0].label, "fi": "Asiakas"})
    found = Found(changed(choice, options=(first, choice.options[1])), an_id(choice.name))
    assert lines(diff(THE, deployed(THE, choices={choice.name: found})).changes) == [
        "~ option pch_customertype 737860000",
        '    label fi "Asiakas" → "Loppuasiakas"',
        "+ option pch_customertype 737860002",
    ]


def test_texts_of_a_choice_are_mended() -> None:
    choice = THE.choices["pch_customertype"]
    found = Found(changed(choice, label={}, description=choice.description), an_id(choice.name))
    (change,) = diff(THE, deployed(THE, choices={choice.name: found})).changes
    assert lines([change])[:2] == ["~ choice pch_customertype", '    label en nothing → "Customer type"']
    assert change.publication.choices == {"pch_customertype"}


def test_a_managed_choice_is_refused() -> None:
    choice = THE.choices["pch_customertype"]
    found = Found(choice, an_id(choice.name), is_managed=True)
    assert "managed" in diff(THE, deployed(THE, choices={choice.name: found})).refusals[0]


def test_a_choice_that_is_no_longer_declared_is_a_stray() -> None:
    old = Found(Choice.model_construct(name="pch_old", label={}, options=()), an_id("old"))
    environment = deployed(THE)
    difference = diff(THE, replace(environment, choices={**environment.choices, "pch_old": old}))
    assert (lines(difference.changes), lines(difference.strays)) == ([], ["- choice pch_old"])


# ---------------------------------------------------------------- tables


def test_change_tracking_is_turned_on_and_said_to_be_for_good() -> None:
    environment = deployed(THE)
    account = replace(environment.tables["account"], table=changed(THE.tables["account"], change_tracking=False))
    (change,) = diff(THE, replace(environment, tables={**environment.tables, "account": account})).changes
    assert lines([change]) == ["~ table account", "    change tracking off → on"]
    assert "cannot be turned off" in change.irreversible


def test_a_table_that_may_not_track_changes_is_refused() -> None:
    environment = deployed(THE)
    table = changed(THE.tables["account"], change_tracking=False)
    account = FoundTable(table, an_id("account"), can_track_changes=False)
    difference = diff(THE, replace(environment, tables={**environment.tables, "account": account}))
    assert difference.refusals == ("The environment does not let account track changes.",)


def test_change_tracking_that_somebody_else_wants_stays() -> None:
    solution = replace(THE, tables={**THE.tables, "account": changed(THE.tables["account"], change_tracking=False)})
    assert diff(solution, deployed(THE)).changes == ()


def test_texts_and_settings_of_our_table_are_mended() -> None:
    environment = deployed(THE)
    table = THE.tables["pch_pipeline"]
    assert isinstance(table, OwnTable)
    found = FoundTable(changed(table, plural={**table.plural, "sv": "Pipor"}, auditing=True), an_id(table.name))
    (change,) = diff(THE, replace(environment, tables={**environment.tables, table.name: found})).changes
    assert lines([change]) == [
        "~ table pch_pipeline",
        '    plural sv "Pipor" → "Säljpipelines"',
        "    auditing true → false",
    ]


@pytest.mark.parametrize(("fields", "reason"), [({"is_managed": True}, "managed"), ({}, "cannot be changed")])
def test_a_table_that_is_not_ours_to_change_is_refused(fields: dict[str, bool], reason: str) -> None:
    environment = deployed(THE)
    table = changed(THE.tables["pch_pipeline"], ownership="user")
    found = FoundTable(table, an_id("pch_pipeline"), **fields)
    difference = diff(THE, replace(environment, tables={**environment.tables, "pch_pipeline": found}))
    assert reason in difference.refusals[0]


def test_without_sales_there_is_no_opportunity_table() -> None:
    environment = deployed(THE)
    tables = {name: found for name, found in environment.tables.items() if name != "opportunity"}
    assert "no table opportunity" in diff(THE, replace(environment, tables=tables)).refusals[0]


def test_a_table_that_is_no_longer_declared_is_a_stray() -> None:
    environment = deployed(THE)
    old = replace(environment.tables["pch_pipeline"], id=an_id("old"))
    lead = replace(environment.tables["account"], id=an_id("lead"))
    tables = {**environment.tables, "pch_old": old, "lead": lead}
    assert lines(diff(THE, replace(environment, tables=tables)).strays) == ["- table pch_old"]


# ---------------------------------------------------------------- columns


def test_limits_and_texts_of_a_column_are_mended() -> None:
    wanted = Text(max_length=100, label=texts("New"), description=texts("What"), required="recommended")
    there = Text(max_length=50, label=texts("Old"), required="none")
    solution = with_columns(pch_x=wanted)
    (change,) = diff(solution, with_found(solution, "pch_syncrun", "pch_x", there)).changes
    assert lines([change]) == [
        "~ column pch_syncrun.pch_x",
        '    label en "Old" → "New"',
        '    label fi "Old fi" → "New fi"',
        '    label sv "Old sv" → "New sv"',
        '    description en nothing → "What"',
        '    description fi nothing → "What fi"',
        '    description sv nothing → "What sv"',
        '    required "none" → "recommended"',
        "    max length 50 → 100",
    ]


def test_the_words_of_yes_and_no_are_mended() -> None:
    wanted = YesNo(yes=texts("Yes"), no=texts("No"), label=texts("X"))
    there = YesNo(yes=texts("Yes"), no={**texts("No"), "fi": "Eipä"}, default=True, label=texts("X"))
    solution = with_columns(pch_x=wanted)
    (change,) = diff(solution, with_found(solution, "pch_syncrun", "pch_x", there)).changes
    assert change.details == ('no fi "Eipä" → "No fi"', "default true → false")


def test_options_of_a_column_are_added() -> None:
    options = (Option(value=737860000, label=texts("One")), Option(value=737860001, label=texts("Two")))
    solution = with_columns(pch_x=ChoiceColumn(options=options, label=texts("X")))
    there = ChoiceColumn(options=options[:1], label=texts("X"))
    (change,) = diff(solution, with_found(solution, "pch_syncrun", "pch_x", there)).changes
    assert lines([change]) == ["+ option pch_syncrun.pch_x 737860001"]
    assert change.publication.tables == {"pch_syncrun"}


@pytest.mark.parametrize(
    ("there", "before"),
    [
        (Integer(label=texts("X")), "integer"),
        (OtherColumn("Virtual"), "Virtual"),
        (ChoiceColumn(choice="pch_other", label=texts("X")), "choice pch_other"),
    ],
)
def test_a_type_is_changed_only_by_making_the_column_again(there: Any, before: str) -> None:
    solution = with_columns(pch_x=ChoiceColumn(choice="pch_customertype", label=texts("X")))
    (change,) = diff(solution, with_found(solution, "pch_syncrun", "pch_x", there)).changes
    assert change.is_destructive
    assert change.details == (f"type {before} → choice pch_customertype",)


@pytest.mark.parametrize(("name", "managed"), [("pch_name", False), ("pch_x", True)])
def test_a_column_that_must_not_be_replaced_is_refused(name: str, managed: bool) -> None:
    solution = with_columns(pch_x=Date(label=texts("X")))
    environment = with_found(solution, "pch_syncrun", name, OtherColumn("Money"), is_managed=managed)
    assert "must not be replaced" in diff(solution, environment).refusals[0]


def test_a_column_that_is_no_longer_declared_is_a_stray() -> None:
    environment = with_found(THE, "account", "pch_old", OtherColumn("Money"))
    assert lines(diff(THE, environment).strays) == ["- column account.pch_old"]


def test_a_column_of_a_standard_table_that_is_no_longer_declared_is_a_stray() -> None:
    assert lines(diff(THE, with_found(THE, "campaign", "pch_old", OtherColumn("Money"))).strays) == [
        "- column campaign.pch_old"
    ]


def test_a_column_of_a_stray_table_goes_with_it() -> None:
    assert diff(THE, with_found(THE, "pch_old", "pch_x", OtherColumn("Money"))) == Difference()


def test_a_lookup_is_no_stray_column() -> None:
    environment = with_found(THE, "account", "pch_salespartner1id", OtherColumn("Lookup"))
    assert diff(THE, environment) == Difference()


# ---------------------------------------------------------------- keys


def with_key() -> Solution:
    key = Key(label=texts("Once"), columns=("pch_name",))
    return replace(
        THE, tables={**THE.tables, "pch_syncrun": changed(THE.tables["pch_syncrun"], keys={"pch_once": key})}
    )


def test_a_key_is_added() -> None:
    solution = with_key()
    (change,) = diff(solution, deployed(solution, keys={})).changes
    assert (str(change), change.remark, change.details) == ("+ key pch_syncrun.pch_once", "pch_name", ())


def test_a_key_that_is_there_is_left_alone() -> None:
    assert diff(with_key(), deployed(with_key())) == Difference()


def test_a_key_whose_index_failed_is_made_again() -> None:
    solution = with_key()
    failed = FoundKey(solution.tables["pch_syncrun"].keys["pch_once"], an_id("key"), "Failed")
    (change,) = diff(solution, deployed(solution, keys={("pch_syncrun", "pch_once"): failed})).changes
    assert change.details == ("its index is Failed",)


def test_a_key_of_other_columns_is_refused() -> None:
    solution = with_key()
    other = FoundKey(Key(label=texts("Once"), columns=("pch_kind",)), an_id("key"))
    difference = diff(solution, deployed(solution, keys={("pch_syncrun", "pch_once"): other}))
    assert "The key pch_syncrun.pch_once is of pch_kind" in difference.refusals[0]


def test_a_key_that_is_no_longer_declared_is_a_stray() -> None:
    environment = replace(deployed(THE), keys=deployed(with_key()).keys)
    assert lines(diff(THE, environment).strays) == ["- key pch_syncrun.pch_once"]


# ---------------------------------------------------------------- relationships and mappings

LINK = "pch_account_account_salespartner1id"


def with_relationship(**fields: Any) -> Environment:
    environment = deployed(THE)
    found = Found(changed(THE.relationships[LINK], **fields), an_id(LINK))
    return replace(environment, relationships={**environment.relationships, LINK: found})


def test_texts_and_cascades_of_a_lookup_are_mended() -> None:
    environment = with_relationship(
        label={**THE.relationships[LINK].label, "sv": "Partner"},
        related={},
        cascade=Cascade(delete="Restrict", merge="Cascade"),
    )
    (change,) = diff(THE, environment).changes
    assert lines([change])[:3] == [
        "~ lookup account.pch_salespartner1id",
        '    label sv "Partner" → "Säljpartner 1"',
        '    delete "Restrict" → "RemoveLink"',
    ]
    assert change.details[-1] == 'related sv nothing → "Kunder som säljpartner 1"'


def test_a_lookup_is_put_into_the_related_menu() -> None:
    (change,) = diff(THE, with_relationship(related=None)).changes
    assert change.details == ("in the related menu false → true",)


def test_a_lookup_is_taken_out_of_the_related_menu() -> None:
    name = "pch_account_lead_salespartnerid"
    environment = deployed(THE)
    found = Found(changed(THE.relationships[name], related={}), an_id(name))
    (change,) = diff(THE, replace(environment, relationships={**environment.relationships, name: found})).changes
    assert change.details == ("in the related menu true → false",)


@pytest.mark.parametrize(
    ("fields", "reason"), [({"to": "contact"}, "not between these tables"), ({"lookup": "pch_other"}, "this lookup")]
)
def test_a_relationship_between_others_is_refused(fields: dict[str, str], reason: str) -> None:
    assert reason in diff(THE, with_relationship(**fields)).refusals[0]


def test_a_managed_relationship_is_refused() -> None:
    environment = deployed(THE)
    found = Found(THE.relationships[LINK], an_id(LINK), is_managed=True)
    difference = diff(THE, replace(environment, relationships={**environment.relationships, LINK: found}))
    assert "managed" in difference.refusals[0]


def test_a_column_in_the_place_of_a_lookup_is_refused() -> None:
    environment = with_found(THE, "account", "pch_salespartner1id", OtherColumn("String"))
    relationships = {name: found for name, found in environment.relationships.items() if name != LINK}
    difference = diff(THE, replace(environment, relationships=relationships))
    assert "not our lookup (String)" in difference.refusals[0]


def test_relationships_and_mappings_that_are_no_longer_declared_are_strays() -> None:
    environment = deployed(THE)
    old = Relationship.model_construct(name="pch_old", table="account", lookup="pch_oldid", to="account")
    mapping = ColumnMapping(source="lead", target="opportunity", column="pch_old")
    environment = replace(
        environment,
        relationships={**environment.relationships, "pch_old": Found(old, an_id("old"))},
        columns={**environment.columns, ("account", "pch_oldid"): Found(OtherColumn("Lookup"), an_id("old"))},
        mappings={**environment.mappings, mapping: an_id("mapping")},
    )
    assert lines(diff(THE, environment).strays) == [
        "- mapping lead → opportunity pch_old",
        "- lookup account.pch_oldid",
    ]


# ---------------------------------------------------------------- views


def with_view(columns: dict[str, Any] | None = None, **fields: Any) -> Environment:
    environment = deployed(THE)
    view = THE.views["partners"]
    there = environment.components[view.id]
    found = replace(there, columns={**there.columns, **(columns or {})}, **fields)
    return replace(environment, components={**environment.components, view.id: found})


def the_view() -> View:
    return THE.views["partners"]


def test_a_column_taken_out_of_a_view_comes_back() -> None:
    layout = str(deployed(THE).components[the_view().id].columns["layoutxml"])
    (change,) = diff(THE, with_view({"layoutxml": layout.replace('<cell name="pch_role" width="110"/>', "")})).changes
    assert lines([change]) == ["~ view partners", '    layoutxml + <cell name="pch_role" width="110">']


def test_blanks_and_the_order_of_attributes_do_not_matter() -> None:
    layout = str(deployed(THE).components[the_view().id].columns["layoutxml"])
    spaced = layout.replace("><", ">\n  <").replace(
        '<cell name="pch_role" width="110"/>', '<cell width="110" name="pch_role" />'
    )
    assert diff(THE, with_view({"layoutxml": spaced})) == Difference()


def test_a_renamed_view_gets_its_name_back() -> None:
    names = {**the_view().label, "en": "My view"}
    texts_there = {"name": names, "description": the_view().description}
    (change,) = diff(THE, with_view(texts=texts_there)).changes
    assert change.details == ('name en "My view" → "Partners by open value"',)


def test_an_edit_that_waits_to_be_published_is_published() -> None:
    (change,) = diff(THE, with_view(is_published=False)).changes
    assert change.details == ("edited but not published",)
    assert change.publication.tables == {"pch_pipeline"}


def test_a_managed_view_is_refused() -> None:
    assert "managed" in diff(THE, with_view(is_managed=True)).refusals[0]


def test_a_view_that_somebody_broke_is_mended() -> None:
    (change,) = diff(THE, with_view({"fetchxml": "<fetch", "layoutxml": None})).changes
    assert change.details == ("fetchxml is not XML any more", "layoutxml is not XML any more")


def test_other_columns_are_told_short_or_not_at_all() -> None:
    columns = {"isdefault": True, "content": "x" * 100}
    component = replace(components_of(THE, LANGUAGES)[0], columns=columns, xml=frozenset())
    found = FoundComponent(component.id, {"isdefault": False, "content": "y" * 100}, component.texts)
    environment = replace(deployed(THE), components={component.id: found})
    (change,) = [each for each in compare_components([component], environment) if isinstance(each, Change)]
    assert change.details == ("isdefault false → true", "content differs")


# ---------------------------------------------------------------- membership


def test_what_is_ours_and_not_listed_is_put_into_the_solution() -> None:
    subjects = lines(diff(THE, deployed(THE, members={}, solution=None)).changes)
    assert subjects[0] == "+ solution PartnerChannel"
    assert set(subjects[1:]) == {
        "+ choice pch_customertype in the solution",
        "+ table pch_pipeline in the solution",
        "+ table pch_syncrun in the solution",
        "+ column account.pch_customertype in the solution",
    }


def test_a_view_that_was_taken_out_of_the_solution_is_put_back() -> None:
    """Its table is listed without its parts, so the view must be listed by itself."""
    environment = deployed(THE)
    view = the_view()
    table = (1, an_id("pch_pipeline"))
    members = {key: value for key, value in environment.members.items() if key not in (table, (26, view.id))}
    subjects = lines(diff(THE, replace(environment, members={**members, table: 2})).changes)
    assert "+ view partners in the solution" in subjects
    assert "+ table pch_pipeline in the solution" not in subjects


def test_a_column_that_is_listed_by_itself_is_in() -> None:
    environment = deployed(THE)
    members = {key: value for key, value in environment.members.items() if key != (1, an_id("account"))}
    members[1, an_id("account")] = 1
    members[2, an_id("account", "pch_customertype")] = 0
    assert diff(THE, replace(environment, members=members)) == Difference()


def test_money_says_its_decimals() -> None:
    solution = with_columns(pch_x=Money(precision=4, label=texts("X")))
    environment = with_found(solution, "pch_syncrun", "pch_x", Money(precision=2, label=texts("X")))
    assert diff(solution, environment).changes[0].details == ("precision 2 → 4",)
