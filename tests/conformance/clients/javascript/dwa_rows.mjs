// Rows: create, retrieve, update, upsert, delete, links between rows, actions and functions.

import assert from "node:assert/strict";
import { refusal, works } from "./ledger.mjs";

const FORMATTED = "@OData.Community.Display.V1.FormattedValue";

works("create", async (at) => {
  at.account = await at.api.create({ collection: "accounts", data: { name: "Contoso", revenue: 1234.5 } });
  assert.match(at.account, /^[0-9a-f-]{36}$/);
});

works("create with a lookup, and the whole row back", async (at) => {
  const data = { firstname: "Ada", lastname: "Byron", "parentcustomerid_account@odata.bind": `/accounts(${at.account})` };
  const row = await at.api.create({
    collection: "contacts",
    data,
    returnRepresentation: true,
    select: ["fullname", "_parentcustomerid_value"],
  });
  assert.equal(row.fullname, "Ada Byron");
  assert.equal(row._parentcustomerid_value, at.account);
  at.contact = row.contactid;
});

works("create, duplicate detection and plug-ins waived", async (at) => {
  const request = { collection: "accounts", data: { name: "Contoso" }, duplicateDetection: false };
  at.twin = await at.api.create({ ...request, bypassCustomPluginExecution: true });
});

works("create by a navigation property", async (at) => {
  const data = { lastname: "Child" };
  await at.api.create({ collection: "accounts", key: at.account, navigationProperty: "contact_customer_accounts", data });
  const found = await at.api.retrieveMultiple({ collection: "contacts", filter: "lastname eq 'Child'" });
  assert.equal(found.value[0]._parentcustomerid_value, at.account);
});

works("retrieve with select, expand and annotations", async (at) => {
  await at.api.update({
    collection: "accounts",
    key: at.account,
    data: { "primarycontactid@odata.bind": `/contacts(${at.contact})` },
  });
  const row = await at.api.retrieve({
    collection: "accounts",
    key: at.account,
    select: ["name", "revenue"],
    expand: [{ property: "primarycontactid", select: ["fullname"] }],
    includeAnnotations: "OData.Community.Display.V1.FormattedValue",
  });
  assert.equal(row.primarycontactid.fullname, "Ada Byron");
  assert.equal(row["revenue" + FORMATTED], "€1,234.50");
});

works("retrieve with If-None-Match: nothing new", async (at) => {
  const row = await at.api.retrieve({ collection: "accounts", key: at.account, select: ["name"] });
  const again = await at.api.retrieve({
    collection: "accounts",
    key: at.account,
    select: ["name"],
    ifnonematch: row["@odata.etag"],
  });
  assert.equal(again, undefined);
});

works("retrieve, no such row is told with its code", async (at) => {
  const error = await refusal(at.api.retrieve({ collection: "accounts", key: "00000000-0000-0000-0000-00000000dead" }));
  assert.equal(error.status, 404);
  assert.equal(error.code, "0x80040217");
});

works("retrieve by a navigation property", async (at) => {
  const row = await at.api.retrieve({
    collection: "accounts",
    key: at.account,
    navigationProperty: "primarycontactid",
    select: ["fullname"],
  });
  assert.equal(row.fullname, "Ada Byron");
});

works("update, and the whole row back", async (at) => {
  const row = await at.api.update({
    collection: "accounts",
    key: at.account,
    data: { telephone1: "555" },
    returnRepresentation: true,
    select: ["telephone1"],
  });
  assert.equal(row.telephone1, "555");
});

works("update with If-Match: of an old version refused, of this one done", async (at) => {
  const { "@odata.etag": etag } = await at.api.retrieve({ collection: "accounts", key: at.account, select: ["name"] });
  const change = (ifmatch, telephone1) =>
    at.api.update({ collection: "accounts", key: at.account, data: { telephone1 }, ifmatch });
  assert.equal(await change(etag, "556"), true);
  // The library gives false for 412 where an If-Match was given.
  assert.equal(await change(etag, "557"), false);
  const row = await at.api.retrieve({ collection: "accounts", key: at.account, select: ["telephone1"] });
  assert.equal(row.telephone1, "556");
});

works("updateSingleProperty, and deleteRecord of one property", async (at) => {
  const phone = async () =>
    (await at.api.retrieve({ collection: "accounts", key: at.account, select: ["telephone2"] })).telephone2;
  await at.api.updateSingleProperty({ collection: "accounts", key: at.account, fieldValuePair: { telephone2: "2" } });
  assert.equal(await phone(), "2");
  await at.api.deleteRecord({ collection: "accounts", key: at.account, property: "telephone2" });
  assert.equal(await phone(), null);
});

works("upsert: creates, updates, creates only, updates only", async (at) => {
  const key = "11111111-2222-3333-4444-555555555555";
  const upsert = (name, more) => at.api.upsert({ collection: "accounts", key, data: { name }, ...more });
  assert.equal(await upsert("never", { ifmatch: "*" }), null, "there is none to update");
  assert.equal(await upsert("first"), key);
  assert.equal(await upsert("second"), key);
  assert.equal(await upsert("third", { ifnonematch: "*" }), null, "it is there already");
  const row = await at.api.upsert({
    collection: "accounts",
    key,
    data: { name: "fourth" },
    returnRepresentation: true,
    select: ["name"],
  });
  assert.equal(row.name, "fourth");
});

works("associate and disassociate a collection", async (at) => {
  const link = { collection: "accounts", primaryKey: at.twin, relationshipName: "contact_customer_accounts" };
  const parent = async () => (await at.api.retrieve({ collection: "contacts", key: at.contact }))._parentcustomerid_value;
  await at.api.associate({ ...link, relatedCollection: "contacts", relatedKey: at.contact });
  assert.equal(await parent(), at.twin);
  await at.api.disassociate({ ...link, relatedKey: at.contact });
  assert.equal(await parent(), null);
});

works("associateSingleValued and disassociateSingleValued", async (at) => {
  const link = { collection: "accounts", primaryKey: at.twin, navigationProperty: "primarycontactid" };
  const first = async () => (await at.api.retrieve({ collection: "accounts", key: at.twin }))._primarycontactid_value;
  await at.api.associateSingleValued({ ...link, relatedCollection: "contacts", relatedKey: at.contact });
  assert.equal(await first(), at.contact);
  await at.api.disassociateSingleValued(link);
  assert.equal(await first(), null);
});

works("callFunction, unbound, with and without parameters", async (at) => {
  at.user = (await at.api.callFunction({ name: "WhoAmI" })).UserId;
  const counted = await at.api.callFunction({
    name: "RetrieveTotalRecordCount",
    parameters: { EntityNames: ["account"] },
  });
  assert.deepEqual(counted.EntityRecordCountCollection.Keys, ["account"]);
});

works("callFunction, bound", async (at) => {
  const found = await at.api.callFunction({
    collection: "systemusers",
    key: at.user,
    name: "Microsoft.Dynamics.CRM.RetrieveUserPrivileges",
  });
  assert.ok(found.RolePrivileges.length > 10);
});

works("callAction, bound: CreateMultiple, UpdateMultiple", async (at) => {
  const type = { "@odata.type": "Microsoft.Dynamics.CRM.account" };
  const call = (actionName, Targets) => at.api.callAction({ collection: "accounts", actionName, action: { Targets } });
  const made = await call(
    "Microsoft.Dynamics.CRM.CreateMultiple",
    [1, 2, 3].map((n) => ({ name: `Many ${n}`, ...type })),
  );
  assert.equal(made.Ids.length, 3);
  await call(
    "Microsoft.Dynamics.CRM.UpdateMultiple",
    made.Ids.map((accountid) => ({ accountid, description: "changed", ...type })),
  );
  const found = await at.api.count({ collection: "accounts", filter: "description eq 'changed'" });
  assert.equal(found, 3);
});

works("callAction, unbound: WinOpportunity", async (at) => {
  const data = { name: "Deal", estimatedvalue: 10, "parentaccountid@odata.bind": `/accounts(${at.account})` };
  const key = await at.api.create({ collection: "opportunities", data });
  await at.api.callAction({
    actionName: "WinOpportunity",
    action: {
      Status: 3,
      OpportunityClose: { subject: "Won", "opportunityid@odata.bind": `/opportunities(${key})`, actualrevenue: 9 },
    },
  });
  const row = await at.api.retrieve({ collection: "opportunities", key, select: ["statecode", "actualvalue"] });
  assert.deepEqual([row.statecode, row.actualvalue], [1, 9]);
});

works("impersonate, by systemuserid", async (at) => {
  const { BusinessUnitId } = await at.api.callFunction({ name: "WhoAmI" });
  const data = { firstname: "Other", lastname: "User", domainname: "other@example.com" };
  data["businessunitid@odata.bind"] = `/businessunits(${BusinessUnitId})`;
  const other = await at.api.create({ collection: "systemusers", data });
  const roles = await at.api.retrieveMultiple({ collection: "roles", filter: "name eq 'System Administrator'" });
  const link = { collection: "systemusers", primaryKey: other, relationshipName: "systemuserroles_association" };
  await at.api.associate({ ...link, relatedCollection: "roles", relatedKey: roles.value[0].roleid });
  const made = await at.api.create({ collection: "accounts", data: { name: "Theirs" }, impersonate: other });
  const row = await at.api.retrieve({ collection: "accounts", key: made });
  assert.deepEqual([row._createdby_value, row._createdonbehalfby_value], [other, at.user]);
});

works("deleteRecord, with If-Match: of an old version refused", async (at) => {
  const row = await at.api.retrieve({ collection: "accounts", key: at.twin, select: ["name"] });
  await at.api.update({ collection: "accounts", key: at.twin, data: { telephone1: "1" } });
  const gone = (ifmatch) => at.api.deleteRecord({ collection: "accounts", key: at.twin, ifmatch });
  assert.equal(await gone(row["@odata.etag"]), false);
  await gone(undefined);
  const error = await refusal(at.api.retrieve({ collection: "accounts", key: at.twin }));
  assert.equal(error.status, 404);
});

works("a 429 is told with its Retry-After", async (at) => {
  const fault = { kind: "status", status: 429, retry_after_s: 7, path: "/contacts" };
  const headers = { "Content-Type": "application/json" };
  await fetch(`${at.serverUrl}/_emulator/faults`, { method: "POST", body: JSON.stringify(fault), headers });
  const error = await refusal(at.api.retrieveMultiple({ collection: "contacts", top: 1 }));
  assert.equal(error.status, 429);
  assert.equal(String(error.headers["retry-after"] ?? error.headers["Retry-After"]), "7");
});
