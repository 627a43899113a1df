"""Whatever a solution declares: it does not differ from itself, and applying what differs leaves nothing to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from d365ext import deploy
from d365ext.definitions.columns import (
    BigInt,
    Choice,
    ChoiceColumn,
    Column,
    Date,
    Decimal,
    Integer,
    Memo,
    Moment,
    Money,
    Option,
    Text,
    YesNo,
)
from d365ext.definitions.solution import Solution
from d365ext.definitions.tables import Cascade, OwnTable, Relationship
from d365ext.deploy.diff import Difference, diff
from d365ext.emulator import Emulator
from support.clients import client_over
from support.deployments import apply
from support.environments import deployed, with_nothing
from support.solutions import the_core
from support.wsgi_adapter import WsgiAdapter

THE = the_core()
LANGUAGES = tuple(THE.languages)

words = st.sampled_from(["Partner", "Kumppani", "Säljpartner", "a & b", "<x>", 'said "no"', "–", "ö", "x" * 60])
texts = st.fixed_dictionaries(dict.fromkeys(LANGUAGES, words))
some_texts = texts | st.just({})
options = st.lists(
    st.tuples(st.integers(737860000, 737860020), texts), min_size=1, max_size=4, unique_by=lambda o: o[0]
).map(lambda pairs: tuple(Option(value=value, label=label) for value, label in pairs))


def columns() -> st.SearchStrategy[Column]:
    common: dict[str, Any] = {
        "label": texts,
        "description": some_texts,
        "required": st.sampled_from(["none", "recommended", "required"]),
    }
    return st.one_of(
        st.builds(Text, max_length=st.integers(1, 4000), **common),
        st.builds(Memo, max_length=st.integers(1, 10000), **common),
        st.builds(Decimal, precision=st.integers(0, 10), **common),
        st.builds(Money, precision=st.integers(0, 4), **common),
        st.builds(YesNo, yes=texts, no=texts, default=st.booleans(), **common),
        st.builds(ChoiceColumn, options=options, choice=st.none(), **common),
        st.builds(ChoiceColumn, choice=st.just("pch_kind"), options=st.just(()), **common),
        *(st.builds(kind, **common) for kind in (Integer, BigInt, Date, Moment)),
    )


column_names = st.sampled_from([f"pch_c{number}" for number in range(8)])


@st.composite
def solutions(draw: st.DrawFn) -> Solution:
    """Draw a small solution: a choice, a table of ours, columns on it and on account, a lookup."""
    name = Text(max_length=100, label=draw(texts))
    table = OwnTable(
        name="pch_thing",
        label=draw(texts),
        plural=draw(texts),
        description=draw(some_texts),
        ownership=draw(st.sampled_from(["organization", "user"])),
        primary_name="pch_name",
        change_tracking=draw(st.booleans()),
        auditing=draw(st.booleans()),
        has_currency=True,
        columns={"pch_name": name, **draw(st.dictionaries(column_names, columns(), max_size=4))},
    )
    account = THE.tables["account"].model_copy(
        update={"columns": draw(st.dictionaries(column_names, columns(), max_size=2))}
    )
    lookup = Relationship(
        name="pch_account_pch_thing_accountid",
        lookup="pch_accountid",
        table="pch_thing",
        to="account",
        cascade=draw(st.builds(Cascade, delete=st.sampled_from(["Cascade", "RemoveLink", "Restrict"]))),
        label=draw(texts),
        description=draw(some_texts),
        related=draw(texts | st.none()),
    )
    choice = Choice(name="pch_kind", label=draw(texts), description=draw(some_texts), options=draw(options))
    return replace(
        THE,
        choices={"pch_kind": choice},
        tables={"pch_thing": table, "account": account},
        relationships={lookup.name: lookup},
        mappings=(),
        views={},
    )


SLOWLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOWLY
@given(solutions())
def test_a_solution_does_not_differ_from_itself(solution: Solution) -> None:
    assert diff(solution, deployed(solution)) == Difference()


@SLOWLY
@given(solutions())
def test_an_empty_environment_needs_every_part_once(solution: Solution) -> None:
    subjects = [change.subject for change in diff(solution, with_nothing(solution)).changes]
    assert len(subjects) == len(set(subjects))


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=solutions(), after=solutions())
def test_applying_what_differs_leaves_nothing_to_do(before: Solution, after: Solution) -> None:
    """From nothing to one solution, and from there to another with other texts, limits and types."""
    emulator = Emulator()
    with requests.Session() as session:
        session.mount("http://localhost", WsgiAdapter(emulator.wsgi))
        with client_over(session, "http://localhost") as client:
            for solution in (before, after):
                if solution is after and before.tables["pch_thing"].ownership != after.tables["pch_thing"].ownership:  # type: ignore[attr-defined]
                    break
                apply(client, deploy.plan_for(client, solution, allow_delete=True))
                assert deploy.plan_for(client, solution, allow_delete=True).changes == ()
    emulator.close()
