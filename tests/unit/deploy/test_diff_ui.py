"""Forms, scripts, roles and the app: what differs from the solution is found, and nothing of anybody else's."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from d365ext.deploy.change import Change
from d365ext.deploy.compare.forms import withdrawals
from d365ext.deploy.diff import Difference, diff
from d365ext.deploy.environment import Environment, FoundForm, FoundRole, Languages
from d365ext.deploy.rows import components_of
from d365ext.deploy.ui_change import AddToApp, EditForm
from support.environments import deployed, with_nothing
from support.forms import plain
from support.solutions import the_solution

THE = the_solution()
ROLE = THE.roles["reader"]


def lines(changes: tuple[Change, ...]) -> list[str]:
    return [line for change in changes for line in (str(change), *(f"    {detail}" for detail in change.details))]


def a_form(xml: str = plain(), **more: object) -> FoundForm:
    fields = {"id": uuid4(), "table": "account", "type": "main", "name": "Account", "xml": xml, "published_xml": xml}
    return FoundForm(**{**fields, **more})  # type: ignore[arg-type]


def with_forms(*forms: FoundForm) -> Environment:
    return replace(deployed(THE), forms=forms)


def edited(form: FoundForm) -> EditForm:
    (change,) = diff(THE, with_forms(form)).changes
    assert isinstance(change, EditForm)
    return change


def test_the_whole_solution_does_not_differ_from_itself() -> None:
    assert diff(THE, deployed(THE)) == Difference()


def test_everything_is_made_once_and_in_order() -> None:
    changes = diff(THE, with_nothing(THE)).changes
    assert len({str(change) for change in changes}) == len(changes)
    words = [change.subject.split(" ")[0] for change in changes]
    order = ["script", "view", "chart", "dashboard", "site", "app", "role"]
    assert [words.index(word) for word in order] == sorted(words.index(word) for word in order)


# ---------------------------------------------------------------- forms


def test_a_form_gets_what_it_lacks() -> None:
    change = edited(a_form())
    assert change.details == (
        "+ tab pch_partnerchannel",
        "+ script pch_/partnerchannel/common.js",
        "+ script pch_/partnerchannel/account.js",
        "+ onload calls PartnerChannel.account.onLoad",
    )
    assert change.publication.tables == {"account"}


def test_a_form_that_has_it_is_left_alone() -> None:
    form = a_form()
    after = edited(form).after
    assert diff(THE, with_forms(replace(form, xml=after, published_xml=after))).changes == ()


def test_a_form_edited_and_not_published_is_published() -> None:
    form = a_form()
    change = edited(replace(form, xml=edited(form).after))
    assert change.details == ("edited but not published",)


def test_forms_of_other_kinds_and_out_of_use_are_left_alone() -> None:
    forms = (a_form(is_open=False), a_form(table="contact", type="quick create"))
    assert diff(THE, with_forms(*forms)).changes == ()


def test_forms_are_chosen_by_name() -> None:
    named = THE.forms["account-main"].model_copy(update={"forms": ("Key *",)})
    solution = replace(THE, forms={**THE.forms, "account-main": named})
    forms = (a_form(name="Sales"), a_form(name="Key accounts"))
    changes = diff(solution, replace(deployed(solution), forms=forms)).changes
    assert [change.subject for change in changes] == ["form account Key accounts"]


def test_a_form_that_is_not_xml_is_refused_by_name() -> None:
    (reason,) = diff(THE, with_forms(a_form("<form"))).refusals
    assert reason.startswith("The form Account of account is not XML")


def test_what_left_the_form_but_not_what_people_see_leaves_that_too() -> None:
    form = a_form()
    inside = edited(form).after
    (change,) = withdrawals(THE, with_forms(replace(form, published_xml=inside)))
    assert (change.details, change.after) == (("edited but not published",), form.xml)
    assert change.is_published_at_once


def test_a_form_without_anything_of_ours_has_nothing_to_leave() -> None:
    assert list(withdrawals(THE, with_forms(a_form()))) == []


# ---------------------------------------------------------------- roles


def test_missing_privileges_are_given_and_others_kept() -> None:
    there = FoundRole("Mine", {"prvReadpch_pipeline": "Basic", "prvReadAccount": "Global"})
    environment = deployed(THE)
    (change,) = diff(THE, replace(environment, roles={**environment.roles, ROLE.id: there})).changes
    assert lines((change,)) == [
        "~ role Partner Channel – reader",
        '    name "Mine" → "Partner Channel – reader"',
        '    prvReadpch_pipeline "Basic" → "Global"',
        '    prvReadpch_syncrun nothing → "Global"',
    ]


def test_privileges_are_called_as_the_environment_calls_them() -> None:
    environment = replace(with_nothing(THE), privileges={("salesorder", "read"): "prvReadOrder"})
    (manager,) = [each for each in diff(THE, environment).changes if each.subject == "role Partner Channel – manager"]
    assert ("prvReadOrder", "Global") in manager.privileges  # type: ignore[attr-defined]
    assert ("prvAppendToaccount", "Global") in manager.privileges  # type: ignore[attr-defined]


# ---------------------------------------------------------------- app


def test_the_app_is_given_what_it_lacks_and_keeps_the_rest() -> None:
    environment = deployed(THE)
    view = THE.views["partners"]
    members = frozenset(each for each in environment.app_members if each[1] != view.id) | {(26, uuid4())}
    (change,) = diff(THE, replace(environment, app_members=members)).changes
    assert lines((change,)) == ["~ app pch_partnerchannel", "    shows view partners"]


def test_the_app_can_name_its_views() -> None:
    assert THE.app
    solution = replace(THE, app=THE.app.model_copy(update={"views": ("partners",)}))
    (change,) = [each for each in diff(solution, with_nothing(solution)).changes if isinstance(each, AddToApp)]
    assert [member.what for member in change.members if member.what.startswith("view")] == ["view partners"]


def test_roles_may_open_the_app() -> None:
    environment = replace(deployed(THE), app_roles=frozenset())
    assert [str(change) for change in diff(THE, environment).changes] == [
        "+ role Partner Channel – reader may open the app",
        "+ role Partner Channel – seller may open the app",
        "+ role Partner Channel – manager may open the app",
    ]


# ---------------------------------------------------------------- languages


def keys(languages: Languages) -> list[str]:
    return [each.key for each in components_of(THE, languages) if each.key.endswith(".resx")]


def test_only_texts_of_languages_that_are_there_are_made() -> None:
    assert keys(Languages(THE.languages, frozenset({"fi"}), base=1035)) == ["texts.1035.resx"]


def test_a_base_language_that_is_none_of_ours_gets_our_first_texts() -> None:
    german = Languages(THE.languages, frozenset({"fi"}), base=1031)
    assert keys(german) == ["texts.1035.resx", "texts.1031.resx"]
    (script,) = [each for each in components_of(THE, german) if each.key == "deal.js"]
    assert "texts.1031.resx" in script.columns["dependencyxml"]
    assert "texts.1053.resx" not in script.columns["dependencyxml"]


def test_a_script_somebody_changed_comes_back() -> None:
    environment = deployed(THE)
    script = THE.scripts["deal.js"]
    there = environment.components[script.id]
    broken = replace(there, columns={**there.columns, "content": "YWxlcnQoMSk="})
    (change,) = diff(THE, replace(environment, components={**environment.components, script.id: broken})).changes
    assert lines((change,)) == ["~ script deal.js", "    content differs"]
    assert change.publication.scripts == {script.id}
