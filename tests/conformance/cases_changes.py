"""Change tracking. verified: docs

Source of all cases unless they name another: learn.microsoft.com/power-apps/developer/data-platform/
use-change-tracking-synchronize-data-external-systems.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from support.dataverse import Dataverse, error_of

TRACK = "odata.track-changes"


def tracked(dv: Dataverse, table: str = "account", entity_set: str = "accounts") -> None:
    """Switch change tracking on as the documentation says: GET the whole definition, change it, PUT it back."""
    address = f"EntityDefinitions(LogicalName='{table}')"
    definition = dv.get(address).json()
    if not definition["ChangeTrackingEnabled"]:
        definition["ChangeTrackingEnabled"] = True
        response = dv.put(address, definition, **{"MSCRM.MergeLabels": "true"})
        assert response.status_code == 204, response.text
    assert dv.get(f"{entity_set}?$select={table}id", Prefer=TRACK).status_code == 200


def first_read(dv: Dataverse, path: str = "accounts?$select=name", **headers: str) -> dict[str, Any]:
    response = dv.get(path, **{"Prefer": TRACK, **headers})
    assert response.status_code == 200, response.text
    payload: dict[str, Any] = response.json()
    return payload


def follow(dv: Dataverse, link: str, **headers: str) -> dict[str, Any]:
    response = dv.get(link, **headers)
    assert response.status_code == 200, response.text
    payload: dict[str, Any] = response.json()
    return payload


def pages(dv: Dataverse, first: dict[str, Any], **headers: str) -> tuple[list[dict[str, Any]], str]:
    """Follow next links to the end; give all entries and the delta link."""
    entries = list(first["value"])
    while "@odata.nextLink" in first:
        assert "@odata.deltaLink" not in first
        first = follow(dv, first["@odata.nextLink"], **headers)
        entries += first["value"]
    return entries, first["@odata.deltaLink"]


def named(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in entries if "reason" not in entry]


def deleted(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["id"] for entry in entries if "reason" in entry]


def test_the_first_read_gives_all_rows_and_a_delta_link(dv: Dataverse) -> None:
    """`Preference-Applied: odata.track-changes`, the plain context, and `@odata.deltaLink` with `$deltatoken`."""
    tracked(dv)
    dv.create("accounts", {"name": "tracked one"})
    response = dv.get("accounts?$select=name,accountnumber", Prefer=TRACK)
    assert TRACK in response.headers["Preference-Applied"]
    payload = response.json()
    assert payload["@odata.context"] == f"{dv.api}/$metadata#accounts(name,accountnumber)"
    assert "tracked one" in named(payload["value"])
    link = payload["@odata.deltaLink"]
    assert link.startswith(f"{dv.api}/accounts?$select=name,accountnumber&$deltatoken=")
    assert all({"@odata.etag", "name", "accountnumber", "accountid"} == row.keys() for row in payload["value"])


@pytest.mark.local
def test_a_delta_token_is_a_version_and_a_time(dv: Dataverse) -> None:
    """`$deltatoken=919042%2108%2f22%2f2017%2008%3a10%3a44`; clients must not read it."""
    tracked(dv)
    token = first_read(dv)["@odata.deltaLink"].partition("$deltatoken=")[2]
    assert re.fullmatch(r"\d+%21\d\d%2f\d\d%2f\d{4}%20\d\d%3a\d\d%3a\d\d", token)
    assert re.fullmatch(r"\d+!\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", unquote(token))


def test_a_delta_gives_what_was_created_changed_and_deleted(dv: Dataverse) -> None:
    """Whole rows for created and changed ones; `{"@odata.context": "…#accounts/$deletedEntity", "id", "reason"}` for
    deleted ones; the context ends in /$delta; no Prefer header is needed.
    """
    tracked(dv)
    changed, gone, same = (dv.create("accounts", {"name": name}) for name in ("to change", "to go", "to stay"))
    _, link = pages(dv, first_read(dv))
    new = dv.create("accounts", {"name": "new"})
    dv.patch(f"accounts({changed})", {"name": "changed"}, If_Match="*")
    dv.delete(f"accounts({gone})")
    payload = follow(dv, link)
    assert payload["@odata.context"] == f"{dv.api}/$metadata#accounts(name)/$delta"
    live = {entry["accountid"]: entry for entry in payload["value"] if "reason" not in entry}
    assert live.keys() == {new, changed}
    assert live[changed] == {"@odata.etag": live[changed]["@odata.etag"], "name": "changed", "accountid": changed}
    assert [entry for entry in payload["value"] if "reason" in entry] == [
        {"@odata.context": f"{dv.api}/$metadata#accounts/$deletedEntity", "id": gone, "reason": "deleted"}
    ]
    assert same not in live


def test_changes_come_in_order_of_version_and_deletions_last(dv: Dataverse) -> None:
    """Documented: "all new or updated records first (sorted by version number) followed by deleted records"."""
    tracked(dv)
    first, gone = dv.create("accounts", {"name": "1"}), dv.create("accounts", {"name": "gone"})
    _, link = pages(dv, first_read(dv))
    dv.create("accounts", {"name": "2"})
    dv.delete(f"accounts({gone})")
    dv.create("accounts", {"name": "3"})
    dv.patch(f"accounts({first})", {"name": "4"}, If_Match="*")
    entries = follow(dv, link)["value"]
    assert named(entries) == ["2", "3", "4"]
    assert [bool(entry.get("reason")) for entry in entries] == [False, False, False, True]


def test_each_delta_has_a_fresh_link_and_nothing_new_is_an_empty_list(dv: Dataverse) -> None:
    """Documented: "another delta link"; "An empty JSON response is returned if no table changes have occurred"."""
    tracked(dv)
    _, link = pages(dv, first_read(dv))
    dv.create("accounts", {"name": "once"})
    payload = follow(dv, link)
    assert named(payload["value"]) == ["once"]
    again = follow(dv, payload["@odata.deltaLink"])
    assert again["value"] == []
    assert "@odata.deltaLink" in again


def test_a_link_may_be_followed_twice(dv: Dataverse) -> None:
    """A delta link is a point in time and is not used up (OData 4.0 part 1 §11.3)."""
    tracked(dv)
    _, link = pages(dv, first_read(dv))
    dv.create("accounts", {"name": "seen twice"})
    assert follow(dv, link)["value"] == follow(dv, link)["value"] != []


def test_a_row_made_and_deleted_between_two_reads_is_reported_deleted(dv: Dataverse) -> None:
    """Documented: "they'll get the deleted item even if they didn't have the item to begin with"."""
    tracked(dv)
    _, link = pages(dv, first_read(dv))
    row_id = dv.create("accounts", {"name": "short life"})
    dv.delete(f"accounts({row_id})")
    payload = follow(dv, link)
    assert (named(payload["value"]), deleted(payload["value"])) == ([], [row_id])


def test_deleted_rows_are_not_part_of_a_first_read(dv: Dataverse) -> None:
    """Documented: without a token "all of the records as new. Deleted objects are not returned"."""
    tracked(dv)
    row_id = dv.create("accounts", {"name": "gone before"})
    dv.delete(f"accounts({row_id})")
    assert deleted(first_read(dv)["value"]) == []


def test_a_row_made_again_under_its_id_is_live(dv: Dataverse) -> None:
    """Inferred: it is there, so no deletion is reported; a client that applies deletions last must not lose it."""
    tracked(dv)
    row_id = dv.create("accounts", {"name": "first life"})
    _, link = pages(dv, first_read(dv))
    dv.delete(f"accounts({row_id})")
    dv.create("accounts", {"accountid": row_id, "name": "second life"})
    payload = follow(dv, link)
    assert (named(payload["value"]), deleted(payload["value"])) == (["second life"], [])


def test_pages_lead_to_the_delta_link_on_the_last(dv: Dataverse) -> None:
    """Documented: "If the new or updated item collection is greater than 5000, the user can page"; the cookie says
    istracking and next links need no Prefer of tracking (…/webapi/query/page-results; bengribaudo.com).
    """
    tracked(dv)
    ids = {dv.create("accounts", {"name": f"page {n}"}) for n in range(7)}
    first = first_read(dv, Prefer=f"{TRACK},odata.maxpagesize=3")
    assert len(first["value"]) == 3
    assert 'istracking="True"' in unquote(first["@odata.nextLink"])
    entries, link = pages(dv, first, Prefer="odata.maxpagesize=3")
    assert ids <= {entry["accountid"] for entry in entries}
    assert len({entry["accountid"] for entry in entries}) == len(entries)
    for row_id in list(ids)[:5]:
        dv.delete(f"accounts({row_id})")
    dv.create("accounts", {"name": "after"})
    delta = follow(dv, link, Prefer="odata.maxpagesize=2")
    assert len(delta["value"]) == 2
    entries, _ = pages(dv, delta, Prefer="odata.maxpagesize=2")
    assert named(entries) == ["after"]
    assert sorted(deleted(entries)) == sorted(list(ids)[:5])


def test_what_changes_while_pages_are_read_is_not_lost(dv: Dataverse) -> None:
    """Whatever a first read misses, its delta link brings (OData 4.0 part 1 §11.3, "changes … since")."""
    tracked(dv)
    ids = [dv.create("accounts", {"name": f"busy {n}"}) for n in range(6)]
    first = first_read(dv, Prefer=f"{TRACK},odata.maxpagesize=2")
    dv.patch(f"accounts({ids[5]})", {"name": "changed meanwhile"}, If_Match="*")
    late = dv.create("accounts", {"name": "made meanwhile"})
    entries, link = pages(dv, first, Prefer="odata.maxpagesize=2")
    mirror = {entry["accountid"]: entry["name"] for entry in entries}
    for entry in follow(dv, link)["value"]:
        mirror[entry["accountid"]] = entry["name"]
    assert (mirror[ids[5]], mirror[late]) == ("changed meanwhile", "made meanwhile")


@pytest.mark.local
@pytest.mark.parametrize("emulator_settings", [{"delta_stamp": "first"}, {"delta_stamp": "last"}])
def test_the_link_may_carry_the_version_of_the_first_or_of_the_last_page(
    dv: Dataverse, emulator_settings: dict[str, str]
) -> None:
    """Not documented; a client must bear both. Stamped at the last page, a deletion between pages is never told."""
    tracked(dv)
    ids = [dv.create("accounts", {"name": f"stamp {n}"}) for n in range(4)]
    first = first_read(dv, Prefer=f"{TRACK},odata.maxpagesize=2")
    seen = first["value"][0]["accountid"]
    dv.delete(f"accounts({seen})")
    late = dv.create("accounts", {"name": "late"})
    entries, link = pages(dv, first, Prefer="odata.maxpagesize=2")
    told = deleted(follow(dv, link)["value"])
    is_first = emulator_settings["delta_stamp"] == "first"
    assert told == ([seen] if is_first else [])
    assert (late in {entry["accountid"] for entry in entries}) is not is_first
    assert set(ids) - {seen} <= {entry["accountid"] for entry in entries}


@pytest.mark.parametrize("option", ["$filter=name eq 'x'", "$orderby=name", "$expand=primarycontactid", "$top=1"])
def test_some_options_are_not_supported(dv: Dataverse, option: str) -> None:
    """The message is documented, the status is not: inferred 400."""
    tracked(dv)
    name = option.partition("=")[0]
    status, _, message = error_of(dv.get(f"accounts?{option}", Prefer=TRACK))
    assert status == 400
    assert message == f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.'


def test_the_count_of_changes(dv: Dataverse) -> None:
    """`GET accounts/$count?$deltatoken=…` gives "the number of changes made": changed and deleted rows."""
    tracked(dv)
    gone = dv.create("accounts", {"name": "gone"})
    _, link = pages(dv, first_read(dv))
    token = link.partition("$deltatoken=")[2]
    dv.create("accounts", {"name": "n1"})
    dv.create("accounts", {"name": "n2"})
    dv.delete(f"accounts({gone})")
    response = dv.get(f"accounts/$count?$deltatoken={token}")
    assert response.status_code == 200, response.text
    assert response.content.decode("utf-8-sig") == "3"


def test_a_table_must_be_enabled(dv: Dataverse) -> None:
    """Error code table: ChangeTrackingNotEnabledForEntity 0x80072491, with these words."""
    untracked = dv.rows(
        "EntityDefinitions?$select=LogicalName,EntitySetName"
        "&$filter=ChangeTrackingEnabled eq false and IsIntersect eq false and IsPrivate eq false"
    )
    table = next(each for each in untracked if each["EntitySetName"])
    status, code, message = error_of(dv.get(table["EntitySetName"], Prefer=TRACK))
    assert (status, code) == (400, "0x80072491")
    assert message == f"Entity {table['LogicalName']} isn't enabled for change tracking."


def clock(dv: Dataverse, body: dict[str, Any]) -> None:
    assert dv.send("POST", "/_emulator/clock", json=body).status_code == 200


def expired(response: requests.Response) -> None:
    status, code, message = error_of(response)
    assert (status, code) == (400, "0x80044352")
    assert "full sync" in message


@pytest.mark.local
def test_a_token_expires_after_the_days_the_organization_says(dv: Dataverse) -> None:
    """Documented: 7 days by default, "controlled by … ExpireChangeTrackingInDays"; ExpiredVersionStamp 0x80044352."""
    tracked(dv)
    _, link = pages(dv, first_read(dv))
    clock(dv, {"advance_s": 6 * 86400})
    _, link = pages(dv, follow(dv, link))
    clock(dv, {"advance_s": 8 * 86400})
    expired(dv.get(link))
    [organization] = dv.rows("organizations?$select=expirechangetrackingindays")
    changed = {"expirechangetrackingindays": 30}
    assert dv.patch(f"organizations({organization['organizationid']})", changed).status_code == 204
    assert dv.get(link).status_code == 200
    clock(dv, {"advance_s": 30 * 86400})
    expired(dv.get(link))


@pytest.mark.local
def test_a_token_of_before_a_restore_is_as_good_as_expired(dv: Dataverse) -> None:
    """Inferred: a version that the organization has not reached yet."""
    tracked(dv)
    dv.send("POST", "/_emulator/snapshot", json={"name": "before"})
    for n in range(3):
        dv.create("accounts", {"name": f"to be undone {n}"})
    _, link = pages(dv, first_read(dv))
    dv.created.clear()
    dv.send("POST", "/_emulator/restore", json={"name": "before"})
    expired(dv.get(link))


@pytest.mark.parametrize("token", ["", "x", "1", "1%2199%2f99%2f2026%2000%3a00%3a00"])
def test_a_token_that_is_none_is_refused(dv: Dataverse, token: str) -> None:
    """Links are opaque; what is not one is a bad request (inferred)."""
    tracked(dv)
    assert error_of(dv.get(f"accounts?$deltatoken={token}"))[0] == 400


def test_a_delta_without_select_gives_every_column(dv: Dataverse) -> None:
    """dynamics-web-api follows links that have no $select (dataverse/conformance.md, list at the end of 2.)."""
    tracked(dv)
    _, link = pages(dv, first_read(dv, "accounts"))
    assert "?$deltatoken=" in link
    dv.create("accounts", {"name": "whole"})
    [row] = follow(dv, link)["value"]
    assert {"name", "accountnumber", "_primarycontactid_value", "statecode"} <= row.keys()


def test_money_and_lookups_are_as_in_any_read(dv: Dataverse) -> None:
    """Lookup changes are row changes with `_x_value`; money brings its currency (…/webapi/query/select-columns)."""
    tracked(dv)
    _, link = pages(dv, first_read(dv, "accounts?$select=revenue,_primarycontactid_value"))
    contact = dv.create("contacts", {"lastname": "Tracked"})
    row = {"name": "rich", "revenue": 12.5, "primarycontactid@odata.bind": f"contacts({contact})"}
    dv.create("accounts", row)
    [entry] = follow(dv, link)["value"]
    assert (entry["revenue"], entry["_primarycontactid_value"]) == (12.5, contact)
    assert "_transactioncurrencyid_value" in entry


@pytest.mark.local
def test_an_injected_expiry_and_a_lag(dv: Dataverse) -> None:
    """The local Dataverse's own: what a test may ask to go wrong (emulator/faults.py)."""
    tracked(dv)
    _, link = pages(dv, first_read(dv))
    dv.send("POST", "/_emulator/faults", json={"kind": "expired_token"})
    expired(dv.get(link))
    assert dv.get(link).status_code == 200
    dv.send("POST", "/_emulator/faults", json={"kind": "lagging_delta", "times": None})
    dv.create("accounts", {"name": "late news"})
    payload = follow(dv, link)
    assert payload["value"] == []
    dv.send("DELETE", "/_emulator/faults")
    assert named(follow(dv, payload["@odata.deltaLink"])["value"]) == ["late news"]
