"""What a plan says, refuses and shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from d365ext.deploy.change import CreateChoice
from d365ext.deploy.diff import Difference
from d365ext.deploy.marker import is_marked, marked, unmarked
from d365ext.deploy.plan import Plan, Purpose, make_plan
from d365ext.deploy.publication import NOTHING, Publication
from d365ext.deploy.removal import EMPTY, DeleteColumn, DeleteTable
from d365ext.deploy.render import to_json, to_text
from d365ext.deploy.table_change import TrackChanges
from d365ext.errors import DestructiveChange, PlanError
from support.environments import an_id
from support.solutions import the_core

THE = the_core()
CHOICE = THE.choices["pch_customertype"]


def a_plan(*changes: object, **more: object) -> Plan:
    return Plan(Purpose.APPLY, THE, "https://org.example", tuple(changes), **more)  # type: ignore[arg-type]


def test_every_reason_to_refuse_is_told_at_once() -> None:
    with pytest.raises(PlanError) as caught:
        make_plan(THE, Difference(refusals=("One.", "Two.")), url="https://org.example")
    assert "nothing was written" in caught.value.message
    assert caught.value.message.endswith("  One.\n  Two.")


def test_strays_are_kept_unless_deleting_is_allowed() -> None:
    stray = DeleteColumn("account", "pch_old")
    difference = Difference(strays=(stray,))
    kept = make_plan(THE, difference, url="u")
    assert (kept.changes, kept.kept) == ((), (stray,))
    removed = make_plan(THE, difference, url="u", allow_delete=True)
    assert (removed.changes, removed.kept) == ((stray,), ())


def test_what_destroys_is_refused_by_name() -> None:
    plan = a_plan(DeleteTable("pch_x", "3 rows"), DeleteColumn("account", "pch_y"))
    with pytest.raises(DestructiveChange, match=r"- table pch_x \(3 rows\); - column account\.pch_y") as caught:
        plan.refuse_unallowed()
    assert "--allow-delete" in caught.value.hint
    replace(plan, allow_delete=True).refuse_unallowed()


def test_an_empty_plan_says_so() -> None:
    assert to_text(a_plan()) == "Nothing to do: the environment has what the solution declares.\n"
    assert to_text(replace(a_plan(), purpose=Purpose.UNINSTALL)).startswith(
        "Nothing to do: the environment has nothing"
    )


def test_lines_fit_the_screen() -> None:
    notes = ("A note with " + "many words " * 30,)
    text = to_text(a_plan(TrackChanges("account"), notes=notes), width=60)
    assert max(len(line) for line in text.splitlines()) <= 60


def test_what_is_lost_is_told_and_what_is_empty_is_not() -> None:
    text = to_text(
        a_plan(DeleteColumn("a", "x", EMPTY), DeleteColumn("a", "y", "7 rows have a value"), allow_delete=True)
    )
    assert "Loses data:\n  column a.y: 7 rows have a value\n" in text
    assert "a.x: " not in text


def test_a_program_reads_the_same() -> None:
    plan = a_plan(CreateChoice(CHOICE), TrackChanges("account"), kept=(DeleteColumn("a", "x"),), notes=("Hm.",))
    document = json.loads(to_json(plan))
    assert document["changes"][1] == {
        "sign": "~",
        "subject": "table account",
        "remark": "",
        "details": ["change tracking off → on"],
        "destructive": False,
        "irreversible": "change tracking cannot be turned off again",
    }
    assert (document["empty"], document["kept"], document["notes"]) == (False, ["column a.x"], ["Hm."])
    assert (document["purpose"], document["solution"], document["version"]) == ("apply", "PartnerChannel", "0.1.0.0")


def test_a_publication_lists_everything_once() -> None:
    one, other = an_id("one"), an_id("other")
    publication = Publication(tables=frozenset({"lead"}), scripts=frozenset({one})) | Publication(
        tables=frozenset({"lead"}),
        choices=frozenset({"pch_kind"}),
        dashboards=frozenset({other}),
        apps=frozenset({other}),
        site_maps=frozenset({other}),
    )
    assert publication.to_xml() == (
        "<importexportxml><entities><entity>lead</entity></entities>"
        f"<dashboards><dashboard>{{{other}}}</dashboard></dashboards>"
        "<optionsets><optionset>pch_kind</optionset></optionsets>"
        f"<sitemaps><sitemap>{{{other}}}</sitemap></sitemaps>"
        f"<webresources><webresource>{{{one}}}</webresource></webresources>"
        f"<appmodules><appmodule>{other}</appmodule></appmodules></importexportxml>"
    )
    assert not NOTHING


@pytest.mark.parametrize("description", ["", "Partners.", "Two lines.\nYes."])
def test_the_mark_comes_off_as_it_went_on(description: str) -> None:
    assert is_marked(marked(description))
    assert unmarked(marked(description)) == description
    assert marked(marked(description)) == marked(description)
    assert not is_marked(description)
    assert unmarked(description) == description
