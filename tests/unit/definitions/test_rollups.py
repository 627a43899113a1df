"""rollups.toml as types; every mistake in it is told at once, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from d365ext.definitions.expressions import Kind
from d365ext.definitions.rollups import Level, Role, Rollups, RollupType, load_rollups
from d365ext.errors import DefinitionErrors
from d365ext.shipped import shipped

SHIPPED = shipped("solution") / "rollups.toml"
LABELS = 'label = { en = "A", fi = "B", sv = "C" }\ndescription = { en = "A", fi = "B", sv = "C" }\n'
SOURCE = """\
[parameters]
as_of = { months = 0 }
[source.deal]
table = "opportunity"
entity_set = "opportunities"
customer = [{ account = "parentaccountid" }, { contact = "customerid" }]
partners = { sales = "s", production = "p" }
contacts = { sales = "sc", production = "pc" }
[source.deal.reads]
statecode = "whole"
amount = "money"
closed = "date"
[source.deal.columns]
is_open = ["bool", "statecode = 0"]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "rollups.toml"
    file.write_text(text, encoding="utf-8")
    return file


def mistakes_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(DefinitionErrors) as raised:
        load_rollups(written(folder, text))
    return [f"{mistake.line} {mistake.path}: {mistake.message}" for mistake in raised.value.mistakes]


@pytest.fixture(scope="module")
def rollups() -> Rollups:
    return load_rollups(SHIPPED)


def test_the_first_version_has_every_number_of_the_design(rollups: Rollups) -> None:
    counts = ["opencount", "overduecount", "woncount", "lostcount", "quotedcount", "orderedcount"]
    values = ["openvalue", "weightedvalue", "wonvalue", "wonvalue12m", "wonvalueprev12m", "quotedvalue", "orderedvalue"]
    everywhere = [*counts, *values, "winrate", "cycledays", "lastwonon", "nextcloseon"]
    customers_only = ["partneropenvalue", "directopenvalue", "partnerwonvalue", "directwonvalue"]
    found = {rollup.name: rollup.levels for rollup in rollups.rollups}
    assert found == {
        **dict.fromkeys(everywhere, tuple(Level)),
        **dict.fromkeys(customers_only, (Level.CUSTOMER,)),
        "customercount": (Level.PARTNER, Level.CONTACT, Level.PARTNER_CUSTOMER),
    }


def test_overlapping_numbers_say_in_every_language_that_they_are_not_to_be_added_up(rollups: Rollups) -> None:
    said = {"en": "do not add them up", "fi": "älä laske niitä yhteen", "sv": "lägg inte ihop dem"}
    for rollup in rollups.rollups:
        if rollup.name in ("opencount", "openvalue", "quotedcount", "quotedvalue", "orderedcount", "orderedvalue"):
            for language, words in said.items():
                assert words in rollup.description[language], rollup.name


def test_types_and_scales(rollups: Rollups) -> None:
    shapes = {rollup.name: (rollup.type, rollup.scale) for rollup in rollups.rollups}
    assert shapes["openvalue"] == (RollupType.MONEY, 2)
    assert shapes["winrate"] == (RollupType.DECIMAL, 2)
    assert shapes["cycledays"] == (RollupType.DECIMAL, 1)
    assert shapes["opencount"] == (RollupType.INTEGER, 0)
    assert rollups.rollups[0].column == "pch_opencount"


def test_a_source_names_every_column_it_reads_once(rollups: Rollups) -> None:
    deal = rollups.sources["deal"]
    assert deal.partners[Role.SALES] == "pch_salespartnerid"
    assert deal.lookups.count("customerid") == 1
    assert deal.raw["customerid"] is Kind.ID
    assert deal.raw["estimatedvalue_base"] is Kind.MONEY


def test_a_new_number_is_one_entry(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8") + '\n[rollup.biggestopen]\nfrom = "deal"\ntype = "money"\n'
    text += 'value = "max(estimated) filter (where is_open)"\n' + LABELS
    loaded = load_rollups(written(tmp_path, text))
    assert loaded.rollups[-1].column == "pch_biggestopen"
    assert not loaded.rollups[-1].empty_is_zero


@pytest.mark.parametrize(
    ("entry", "mistake"),
    [
        ('from = "deal"\ntype = "money"\nvalue = "avg(amount)"\n', "Avg"),
        ('from = "dael"\ntype = "money"\nvalue = "sum(amount)"\n', "did you mean deal"),
        ('from = "deal"\ntype = "mony"\nvalue = "sum(amount)"\n', "did you mean money"),
        ('from = "deal"\ntype = "integer"\nvalue = "sum(amount)"\n', "is money, not whole"),
        ('from = "deal"\ntype = "date"\nvalue = "max(amount)"\n', "is money, not date"),
        ('from = "deal"\ntype = "decimal"\nvalue = "count(*)"\nover = "count(*)"\n', "needs a scale"),
        ('from = "deal"\ntype = "money"\nscale = 3\nvalue = "sum(amount)"\n', "scale of money is fixed"),
        ('from = "deal"\ntype = "money"\nvalue = "sum(amount)"\nper = 0\n', "at least 1"),
        ('from = "deal"\ntype = "money"\nvalue = "sum(amount)"\nper = 1\nover = "count(*)"\n', "one of"),
        ('from = "deal"\ntype = "date"\nvalue = "max(closed)"\nper = 2\n', "divided"),
        ('from = "deal"\ntype = "money"\nvalue = "sum(amount)"\nlevels = ["city"]\n', "'city' is none of"),
        ('from = "deal"\ntype = "money"\nvalue = "sum(amount)"\nlevels = []\n', "At least one level"),
        ('from = "deal"\ntype = "money"\nvalue = 5\n', "should be a text"),
        ('from = "deal"\ntype = "money"\nvalue = "sum(amount)"\ncolour = "red"\n', "'colour' has no meaning"),
        ('from = "deal"\ntype = "money"\n', "'value' is missing"),
    ],
)
def test_a_bad_entry_is_told(tmp_path: Path, entry: str, mistake: str) -> None:
    (found,) = mistakes_of(tmp_path, f"{SOURCE}[rollup.bad]\n{entry}{LABELS}")
    assert mistake in found
    assert "rollup.bad" in found


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = SOURCE + '[rollup.one]\nfrom = "deal"\ntype = "money"\nvalue = "sum(nothing)"\nlabel = { en = "x" }\n'
    text = text.replace('"statecode = 0"', '"statecod = 0"') + "[surprise]\n"
    found = mistakes_of(tmp_path, text)
    assert [each.split(":")[0] for each in found] == [
        "20 surprise",
        "14 source.deal.columns.is_open",
        "19 rollup.one.label",
        "15 rollup.one.description",
        "18 rollup.one.value",
    ]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('{ account = "parentaccountid" }', '{ acount = "parentaccountid" }', "did you mean account"),
        ('{ account = "parentaccountid" }', '"parentaccountid"', "One pair is expected"),
        (', production = "p" }', " }", "A column is needed for: production"),
        ('"opportunity"', '"Opportunity; drop table"', "lower-case letters"),
        ('statecode = "whole"', 'statecode = "int"', "'int' is none of"),
        ('["bool", "statecode = 0"]', '["money", "statecode = 0"]', "is bool, not money"),
        ('["bool", "statecode = 0"]', '"statecode = 0"', "A kind and an expression"),
        ('is_open = ["bool"', 'amount = ["bool"', "name of a column or parameter already"),
        ("as_of = { months = 0 }", 'as_of = { months = "x" }', "should be a whole number"),
    ],
)
def test_a_bad_source_is_told(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    assert any(mistake in each for each in mistakes_of(tmp_path, SOURCE.replace(old, new)))


def test_a_file_that_is_no_toml_is_one_mistake(tmp_path: Path) -> None:
    (found,) = mistakes_of(tmp_path, "[rollup\n")
    assert "not TOML" in found
