// Batches: change sets, references, failures, rows and definitions together.

import assert from "node:assert/strict";
import { refusal, works } from "./ledger.mjs";

works("batch: writes in a change set, a reference to what it made, reads outside", async (at) => {
  const api = at.make({});
  api.startBatch();
  api.create({ collection: "accounts", data: { name: "In a batch" }, contentId: "1" });
  api.create({ collection: "contacts", data: { lastname: "Bound", "parentcustomerid_account@odata.bind": "$1" } });
  api.update({ collection: "accounts", key: at.account, data: { description: "by a batch" } });
  api.retrieve({ collection: "accounts", key: at.account, select: ["description"] });
  const [made, person, , read] = await api.executeBatch();
  const row = await at.api.retrieve({ collection: "contacts", key: person });
  assert.equal(row._parentcustomerid_value, made);
  assert.equal(read.description, "by a batch");
});

works("batch: a change set that fails writes nothing", async (at) => {
  const api = at.make({});
  api.startBatch();
  api.create({ collection: "accounts", data: { name: "Must not stay" } });
  api.create({ collection: "accounts", data: { name: "x", nosuchcolumn: 1 } });
  const error = await refusal(api.executeBatch());
  assert.ok(JSON.stringify(error).includes("nosuchcolumn") || String(error[0]?.message ?? error.message).includes("nosuchcolumn"));
  assert.equal(await at.api.count({ collection: "accounts", filter: "name eq 'Must not stay'" }), 0);
});

works("batch: outside of change sets, going on after an error", async (at) => {
  const api = at.make({});
  api.startBatch();
  api.create({ collection: "accounts", data: { name: "x", nosuchcolumn: 1 }, inChangeSet: false });
  api.create({ collection: "accounts", data: { name: "After an error" }, inChangeSet: false });
  const [error, made] = await api.executeBatch({ continueOnError: true });
  assert.equal(error.status, 400);
  assert.match(made, /^[0-9a-f-]{36}$/);
});

works("batch: upsert, delete, associate, FetchXML, function, action", async (at) => {
  const api = at.make({});
  const gone = await at.api.create({ collection: "accounts", data: { name: "Soon gone" } });
  api.startBatch();
  api.upsert({ collection: "accounts", key: gone, data: { name: "Upserted" } });
  api.associateSingleValued({
    collection: "accounts",
    primaryKey: gone,
    navigationProperty: "primarycontactid",
    relatedCollection: "contacts",
    relatedKey: at.contact,
  });
  api.fetch({
    collection: "accounts",
    fetchXml: `<fetch><entity name="account"><attribute name="primarycontactid"/><filter>
      <condition attribute="accountid" operator="eq" value="${gone}"/></filter></entity></fetch>`,
  });
  api.callFunction({ name: "WhoAmI" });
  api.deleteRecord({ collection: "accounts", key: gone });
  const results = await api.executeBatch();
  const fetched = results.find((each) => Array.isArray(each?.value));
  assert.equal(fetched.value[0]._primarycontactid_value, at.contact);
  assert.ok(results.some((each) => each?.UserId === at.user));
  assert.equal((await refusal(at.api.retrieve({ collection: "accounts", key: gone }))).status, 404);
});

works("batch: several hundred rows", async (at) => {
  const api = at.make({});
  api.startBatch();
  for (let n = 0; n < 300; n++) api.create({ collection: "accounts", data: { name: `Row ${n}`, description: "many" } });
  assert.equal((await api.executeBatch()).length, 300);
  assert.equal(await at.api.count({ collection: "accounts", filter: "description eq 'many'" }), 300);
});
