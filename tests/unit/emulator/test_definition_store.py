"""definition_store.py and storage.py: what exists follows the documents, and SQLite follows what exists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from d365ext.emulator import Emulator
from d365ext.emulator.documents import documents
from d365ext.emulator.odata.parser import parse_path
from d365ext.emulator.problems import Problem
from d365ext.emulator.rows import rows
from d365ext.emulator.rows.addresses import locate
from d365ext.emulator.rows.values import LookupValue
from d365ext.emulator.session import Session
from d365ext.emulator.store import definition_store
from d365ext.emulator.store.schema import ColumnType


@pytest.fixture
def session(emulator: Emulator) -> Iterator[Session]:
    with emulator.organization.writing() as opened:
        yield opened


def sql_columns(session: Session, table: str) -> set[str]:
    return {row[1] for row in session.raw.execute(f'pragma table_info("{table}")')}


def add_table(session: Session, logical: str = "new_thing") -> None:
    made = documents.table_document(
        logical, "new_Thing", PrimaryNameAttribute="new_name", OwnershipType="OrganizationOwned"
    )
    definition_store.save(session, "table", made)
    for name, kind in ((logical + "id", ColumnType.UNIQUEIDENTIFIER), ("new_name", ColumnType.STRING)):
        definition_store.save(session, "column", documents.column_document(logical, name, kind, MaxLength=100))
    definition_store.save(session, "column", documents.column_document(logical, "versionnumber", ColumnType.BIGINT))
    definition_store.refresh(session)


def add_lookup(session: Session, schema_name: str = "new_account_thing", delete: str = "RemoveLink") -> None:
    lookup = documents.column_document("new_thing", "new_AccountId", ColumnType.LOOKUP, Targets=["account"])
    relationship = documents.one_to_many_document(
        schema_name,
        referenced=("account", "accountid"),
        referencing=("new_thing", "new_accountid"),
        navs=("new_AccountId", schema_name),
        CascadeConfiguration=documents.cascade({"Delete": delete}),
    )
    definition_store.save_many(session, [("column", lookup), ("relationship", relationship)])
    definition_store.refresh(session)


def test_a_new_table_can_be_written_at_once(session: Session) -> None:
    add_table(session)
    table = session.schema.table("new_thing")
    row_id = rows.create(session, table, {"new_name": "a"})
    assert (rows.find(session, table, row_id) or {})["new_name"] == "a"
    assert session.schema.set("new_things") is table


def test_columns_come_and_go_with_their_data(session: Session) -> None:
    account = session.schema.table("account")
    row_id = rows.create(session, account, {"name": "kept"})
    document = documents.column_document("account", "new_Score", ColumnType.INTEGER)
    definition_store.save(session, "column", document)
    definition_store.refresh(session)
    assert "new_score" in sql_columns(session, "account")
    rows.update(session, session.schema.table("account"), row_id, {"new_score": 5})
    definition_store.remove(session, "column", document["MetadataId"])
    definition_store.refresh(session)
    assert "new_score" not in sql_columns(session, "account")
    assert (rows.find(session, session.schema.table("account"), row_id) or {})["name"] == "kept"
    with pytest.raises(Problem):
        rows.update(session, session.schema.table("account"), row_id, {"new_score": 5})


def test_only_the_changed_table_is_made_anew(session: Session) -> None:
    before = session.schema
    definition_store.save(session, "column", documents.column_document("lead", "new_X", ColumnType.BOOLEAN))
    after = definition_store.refresh(session)
    assert after.version == before.version + 1
    assert {name for name in after.tables if after.tables[name] is not before.tables[name]} == {"lead"}


def test_a_lookup_gives_both_tables_their_navigation_properties(session: Session) -> None:
    add_table(session)
    add_lookup(session)
    thing, account = session.schema.table("new_thing"), session.schema.table("account")
    assert thing.many_to_one["new_AccountId"] is account.one_to_many["new_account_thing"]
    indexes = {row[1] for row in session.raw.execute('pragma index_list("new_thing")')}
    assert "_by_new_thing_new_accountid" in indexes
    definition_store.remove(session, "relationship", documents.fixed_id("relationship", "new_account_thing"))
    definition_store.refresh(session)
    assert "new_account_thing" not in session.schema.relationships
    assert "new_AccountId" not in session.schema.table("new_thing").many_to_one
    assert "new_account_thing" not in session.schema.table("account").one_to_many


def test_a_removed_table_takes_its_definitions_and_rows_along(session: Session) -> None:
    add_table(session)
    add_lookup(session)
    rows.create(session, session.schema.table("new_thing"), {"new_name": "a"})
    definition_store.remove(session, "table", documents.fixed_id("table", "new_thing"))
    definition_store.refresh(session)
    assert "new_thing" not in session.schema.tables
    assert "new_account_thing" not in session.schema.table("account").one_to_many
    assert sql_columns(session, "new_thing") == set()
    assert definition_store.read_all(session, "column", "new_thing") == []


@pytest.mark.parametrize("delete", ["RemoveLink", "Cascade", "Restrict", "NoCascade"])
def test_a_new_relationship_says_what_a_delete_does(session: Session, delete: str) -> None:
    add_table(session)
    add_lookup(session, delete=delete)
    account = session.schema.table("account")
    account_id = rows.create(session, account, {"name": "a"})
    thing = session.schema.table("new_thing")
    thing_id = rows.create(session, thing, {"new_accountid": LookupValue("account", account_id)})
    if delete == "Restrict":
        with pytest.raises(Problem):
            rows.delete(session, account, account_id)
        return
    rows.delete(session, account, account_id)
    left = rows.find(session, thing, thing_id)
    expected = {"RemoveLink": None, "NoCascade": account_id}
    assert left is None if delete == "Cascade" else left and left["new_accountid"] == expected[delete]
    gone = {row[0] for row in session.raw.execute("select table_name from _deleted")}
    assert gone == ({"account", "new_thing"} if delete == "Cascade" else {"account"})


def test_a_changed_global_choice_reaches_the_columns_that_use_it(session: Session) -> None:
    choice = documents.choice_document("new_color", "Picklist", [documents.option(1, "Red")], is_global=True)
    column = documents.column_document(
        "account", "new_Color", ColumnType.PICKLIST, GlobalOptionSet={"Name": "new_color"}
    )
    definition_store.save_many(session, [("choice", choice), ("column", column)])
    definition_store.refresh(session)
    assert set(session.schema.table("account").columns["new_color"].options) == {1}
    choice["Options"].append(documents.option(2, {1033: "Blue", 1035: "Sininen"}))
    definition_store.save(session, "choice", choice)
    definition_store.refresh(session)
    options = session.schema.table("account").columns["new_color"].options
    assert (options[2].label(1035), options[2].label(1053)) == ("Sininen", "Blue")
    assert set(session.schema.choices) == {"new_color"}


def test_only_an_active_key_makes_rows_unique(session: Session) -> None:
    def save_key(status: str) -> None:
        key = documents.key_document("account", "new_Key", ["accountnumber"], EntityKeyIndexStatus=status)
        definition_store.save(session, "key", key)
        definition_store.refresh(session)

    save_key("Pending")
    account = session.schema.table("account")
    segment = parse_path("accounts(accountnumber='1')")[0]
    with pytest.raises(Problem, match="key in the request URI is not valid"):
        locate(session, account, segment)
    first, second = (rows.create(session, account, {"accountnumber": "1"}) for _ in range(2))
    rows.delete(session, account, second)
    save_key("Active")
    with pytest.raises(Problem) as refusal:
        rows.create(session, session.schema.table("account"), {"accountnumber": "1"})
    assert (refusal.value.status, refusal.value.code) == (412, "0x80060892")
    assert locate(session, session.schema.table("account"), segment).row_id == first
    definition_store.remove(session, "key", documents.fixed_id("key", "account", "new_key"))
    definition_store.refresh(session)
    assert rows.create(session, session.schema.table("account"), {"accountnumber": "1"})


def test_documents_are_found_by_name_in_any_case_by_id_and_by_table(session: Session) -> None:
    column = definition_store.read_one(session, "column", "Name", "account")
    assert column is not None
    assert definition_store.by_id(session, "column", column["MetadataId"].upper()) == column
    assert definition_store.read_one(session, "column", "nosuch", "account") is None
    relationship = definition_store.read_one(session, "relationship", "opportunity_customer_accounts")
    assert relationship in definition_store.read_all(session, "relationship", "account")
    assert relationship in definition_store.read_all(session, "relationship", "opportunity")
    selves = [each["SchemaName"] for each in definition_store.read_all(session, "relationship", "account")]
    assert len(selves) == len(set(selves))
