"""The whole solution is loaded, or every mistake in it is told at once, with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from d365ext.definitions.columns import Date, Decimal, Integer, Money
from d365ext.definitions.load import load_solution
from d365ext.errors import DefinitionError, DefinitionErrors
from support.solutions import a_core_copy, edit, the_solution


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_core_copy(tmp_path)


def mistakes_in(folder: Path) -> list[DefinitionError]:
    with pytest.raises(DefinitionErrors) as caught:
        load_solution(folder)
    return list(caught.value.mistakes)


def the_mistake_in(folder: Path) -> DefinitionError:
    (mistake,) = mistakes_in(folder)
    return mistake


def test_the_shipped_solution_has_no_mistake() -> None:
    solution = the_solution()
    assert (solution.publisher.prefix, solution.publisher.option_prefix) == ("pch", 73786)
    assert set(solution.views) >= {"partners", "contacts", "customers", "partner-customers"}


def test_a_rollup_becomes_a_column_of_its_type() -> None:
    columns = the_solution().tables["pch_pipeline"].columns
    kinds = {name: type(columns[f"pch_{name}"]) for name in ("opencount", "openvalue", "winrate", "nextcloseon")}
    assert kinds == {"opencount": Integer, "openvalue": Money, "winrate": Decimal, "nextcloseon": Date}


def test_a_lookup_on_several_tables_is_a_relationship_each() -> None:
    relationships = the_solution().relationships
    recorded = {name: each for name, each in relationships.items() if each.lookup == "pch_salespartnerid"}
    assert set(recorded) == {
        f"pch_account_{table}_salespartnerid" for table in ("lead", "opportunity", "quote", "salesorder")
    }
    assert {each.cascade.delete for each in recorded.values()} == {"Restrict"}


# ---------------------------------------------------------------- one mistake each


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "solution.toml",
            'prefix = "pch" ',
            'prefx = "pch" ',
            "There is no key 'prefx' here; did you mean 'prefix'?",
        ),
        ("solution.toml", "option_prefix = 73786", 'option_prefix = "73786"', "a whole number"),
        ("solution.toml", '"pch"', '"crmx"', "The prefix crmx is Microsoft's."),
        ("choices/pch_customertype.toml", "737860001", "100000001", "not one of our option values"),
        ("choices/pch_customertype.toml", "value = 737860001", "value = 737860000", "used twice"),
        ("choices/pch_customertype.toml", ', sv = "Kundtyp"', "", "The text in sv is missing."),
        ("choices/pch_customertype.toml", ', sv = "Kundtyp"', ', sv = "Kundtyp", de = "x"', "no language de"),
        ("tables/account.toml", "[column.pch_customertype]", "[column.customertype]", "does not start with pch_"),
        ("tables/account.toml", 'choice = "pch_customertype"', 'choice = "pch_customertpe"', "did you mean 'pch_cust"),
        ("tables/account.toml", 'type = "choice"', 'type = "choise"', "There is no type 'choise'"),
        ("tables/account.toml", 'type = "choice"', "", "'type' is missing."),
        ("tables/account.toml", 'choice = "pch_customertype"', "", "either 'choice'"),
        ("tables/pch_pipeline.toml", 'primary_name = "pch_name"', 'primary_name = "pch_role"', "no text column"),
        ("tables/pch_pipeline.toml", "max_length = 400", "max_length = 4_001", "less than or equal to 4000"),
        ("tables/pch_pipeline.toml", "ownership", "owner_ship", "did you mean 'ownership'"),
        ("relationships.toml", 'rule = "link"', 'rule = "lnk"', "There is no rule 'lnk' here; did you mean 'link'?"),
        ("relationships.toml", 'on = ["account"]', 'on = ["acount"]', "no table 'acount'"),
        ("relationships.toml", 'delete = "Restrict"', 'delete = "restrict"', "Input should be"),
        ("mappings.toml", 'from = "lead"', 'from = "laed"', "no table 'laed'"),
        ("mappings.toml", '"pch_salespartnerid"', '"pch_salespartner"', "no column of lead 'pch_salespartner'"),
        ("views/partners.toml", '"pch_role", width', '"pch_rolle", width', "did you mean 'pch_role'?"),
        ("views/partners.toml", '"pch_openvalue desc"', '"pch_openvalue down"', "is no order"),
        ("views/partners.toml", '"pch_openvalue desc"', '"pch_openvalu desc"', "did you mean 'pch_openvalue'?"),
        ("views/partners.toml", 'attribute="pch_level"', 'attribute="pch_lvl"', "no column of pch_pipeline 'pch_lvl'"),
        ("views/partners.toml", "</filter>", "</filtr>", "This is not XML"),
        ("views/partners.toml", '"pch_partnerid"', '"a.name"', "no alias in 'links' 'a'"),
        ("views/partners.toml", '{ name = "pch_role"', '{ name = "pch_partnerid"', "is shown twice"),
        ("views/partners.toml", 'table = "pch_pipeline"', 'table = "pch_pipelin"', "did you mean 'pch_pipeline'?"),
        ("views/partners.toml", "40005ea0", "nonsense", "valid UUID"),
    ],
)
def test_a_mistake_names_its_file_and_line(folder: Path, file: str, old: str, new: str, message: str) -> None:
    line = edit(folder / file, old, new)
    found = [each for each in mistakes_in(folder) if message in each.message]
    assert found, [str(each) for each in mistakes_in(folder)]
    assert Path(found[0].file) == folder / file
    assert found[0].line is not None
    assert abs(found[0].line - line) <= 2, "at the key, or where the key is missing from"


def test_a_mistake_in_a_long_text_stands_on_its_own_line(folder: Path) -> None:
    line = edit(folder / "views/partners.toml", 'attribute="pch_level"', 'attribute="pch_lvl"')
    assert the_mistake_in(folder).line == line


def test_broken_xml_stands_on_its_own_line(folder: Path) -> None:
    line = edit(folder / "views/partners.toml", "</filter>", "</filtr>")
    assert the_mistake_in(folder).line == line


def test_mistakes_in_several_files_are_told_together(folder: Path) -> None:
    edit(folder / "choices/pch_customertype.toml", 'label = { en = "Customer type"', 'label = { en = ""')
    edit(folder / "views/contacts.toml", '"pch_openvalue desc"', '"pch_openvalue down"')
    edit(folder / "rollups.toml", 'type  = "integer"', 'type  = "integr"')
    edit(folder / "relationships.toml", 'rule = "link"', 'rule = "lnk"')
    files = {Path(each.file).name for each in mistakes_in(folder)}
    assert files == {"pch_customertype.toml", "contacts.toml", "rollups.toml", "relationships.toml"}


def test_what_an_unreadable_file_would_declare_is_not_called_missing(folder: Path) -> None:
    edit(folder / "tables/pch_pipeline.toml", "ownership", "= broken")
    assert {Path(each.file).name for each in mistakes_in(folder)} == {"pch_pipeline.toml"}


def test_a_choice_that_cannot_be_read_is_not_called_missing(folder: Path) -> None:
    edit(folder / "choices/pch_customertype.toml", "options", "= broken")
    assert {Path(each.file).name for each in mistakes_in(folder)} == {"pch_customertype.toml"}


def test_a_misspelt_folder_is_not_passed_over(folder: Path) -> None:
    (folder / "views").rename(folder / "veiws")
    assert any("did you mean 'views'?" in each.message for each in mistakes_in(folder))


def test_a_file_that_nothing_reads_is_refused(folder: Path) -> None:
    (folder / "mapings.toml").write_text("", encoding="utf-8")
    assert "did you mean 'mappings.toml'?" in the_mistake_in(folder).message


def test_a_table_of_microsofts_is_known_by_name(folder: Path) -> None:
    (folder / "tables/acount.toml").write_text("change_tracking = true\n", encoding="utf-8")
    mistake = the_mistake_in(folder)
    assert "did you mean 'account'?" in mistake.message
    assert "A table of ours starts with pch_." in mistake.hint


def test_a_choice_carries_the_prefix(folder: Path) -> None:
    (folder / "choices/pch_customertype.toml").rename(folder / "choices/customertype.toml")
    assert any("starts with pch_" in each.message for each in mistakes_in(folder))


def test_a_lookup_is_declared_once(folder: Path) -> None:
    edit(folder / "relationships.toml", 'on = ["account"]', 'on = ["account", "account"]')
    assert "pch_salespartner1id on account is declared twice." in the_mistake_in(folder).message


def test_a_lookup_is_not_also_a_column(folder: Path) -> None:
    file = folder / "tables/account.toml"
    edit(file, "[column.pch_customertype]", "[column.pch_salespartner1id]")
    assert "account has a column pch_salespartner1id already." in the_mistake_in(folder).message


def test_a_rollup_is_not_also_a_column(folder: Path) -> None:
    edit(folder / "tables/pch_pipeline.toml", "[column.pch_islinked]", "[column.pch_opencount]")
    edit(folder / "views/partner-customers.toml", '    { name = "pch_islinked", width = 110 },\n', "")
    assert "rollups.toml declares rollup.opencount" in the_mistake_in(folder).message


def test_only_one_parent_cascades_to_a_table(folder: Path) -> None:
    """Dataverse refuses a second parental relationship of a table."""
    file = folder / "relationships.toml"
    text = file.read_text(encoding="utf-8")
    first, rest = text.split('column = "pch_partnerid"')
    file.write_text(first + 'column = "pch_partnerid"' + rest.replace('"link"', '"of_the_subject"', 1), "utf-8")
    assert len(mistakes_in(folder)) == 2
    assert "the child of one relationship that cascades" in mistakes_in(folder)[0].message


def test_a_standard_table_has_its_cascading_parent_already(folder: Path) -> None:
    edit(folder / "relationships.toml", 'rule = "link"', 'rule = "of_the_subject"')
    assert "account is a standard table" in the_mistake_in(folder).message


def test_money_needs_a_currency(folder: Path) -> None:
    file = folder / "tables/pch_syncrun.toml"
    edit(file, 'type = "integer"', 'type = "money"')
    assert "has_currency = true" in the_mistake_in(folder).message


def test_a_key_is_of_columns_that_are_there(folder: Path) -> None:
    with (folder / "tables/pch_syncrun.toml").open("a", encoding="utf-8") as file:
        file.write('\n[key.pch_once]\nlabel = { en = "a", fi = "b", sv = "c" }\ncolumns = ["pch_nam"]\n')
    assert "did you mean 'pch_name'?" in the_mistake_in(folder).message


def test_two_views_do_not_share_an_id(folder: Path) -> None:
    edit(folder / "views/partners.toml", "40005ea0-5452-5a4d-984c-f0dfeb11700c", "3c075847-af22-5b18-bce3-17ef5b2c3a54")
    assert "The view contacts has the same id." in the_mistake_in(folder).message


def test_a_joined_table_is_checked_too(folder: Path) -> None:
    link = (
        '<link-entity name="account" from="acountid" to="pch_partnerid" alias="p"><attribute name="nam"/></link-entity>'
    )
    edit(folder / "views/partners.toml", 'filter = """', f'links = \'{link}\'\nfilter = """')
    edit(folder / "views/partners.toml", '{ name = "pch_role"', '{ name = "p.addres1_city"')
    messages = " ".join(each.message for each in mistakes_in(folder))
    assert "'acountid'" in messages
    assert "'nam'" in messages
    assert "did you mean 'address1_city'?" in messages


def test_a_link_to_no_table_is_found(folder: Path) -> None:
    link = '<link-entity name="acount" from="accountid" to="pch_partnerid" alias="p"/>'
    edit(folder / "views/partners.toml", 'filter = """', f'links = \'{link}\'\nfilter = """')
    assert "no table 'acount'" in the_mistake_in(folder).message


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "no such folder" in the_mistake_in(tmp_path / "nothing").message


def test_without_its_head_a_solution_is_not_read(tmp_path: Path) -> None:
    assert "cannot be read" in the_mistake_in(tmp_path).message


def test_a_file_that_is_not_toml_is_one_mistake(folder: Path) -> None:
    (folder / "mappings.toml").write_text("[[mapping]\n", encoding="utf-8")
    assert ("not TOML" in the_mistake_in(folder).message, the_mistake_in(folder).line) == (True, 1)
