// Queries: pages, counts, aggregates, FetchXML, saved and user queries, changes.

import assert from "node:assert/strict";
import { works } from "./ledger.mjs";

const NAMES = ["Åke & Söner + 1", "Birch 50%", "Cedar_tree", "Douglas 'Fir'", "Elm", "Fig"];
const TREES = { collection: "contacts", select: ["lastname"], filter: "jobtitle eq 'Tree'", orderBy: ["lastname"] };
const names = (found) => found.value.map((row) => row.lastname).sort();

works("(rows to query)", async (at) => {
  for (const [n, lastname] of NAMES.entries()) {
    const data = { lastname, jobtitle: "Tree", numberofchildren: n, annualincome: 10 * n };
    await at.api.create({
      collection: "contacts",
      data: { ...data, "parentcustomerid_account@odata.bind": `accounts(${at.account})` },
    });
  }
});

works("retrieveMultiple: select, filter, orderBy, top, expand, count", async (at) => {
  const found = await at.api.retrieveMultiple({
    ...TREES,
    filter: "jobtitle eq 'Tree' and annualincome gt 10",
    orderBy: ["annualincome desc"],
    top: 3,
    count: true,
    expand: [{ property: "parentcustomerid_account", select: ["name"] }],
  });
  assert.deepEqual(found.value.map((row) => row.lastname), ["Fig", "Elm", "Douglas 'Fir'"]);
  assert.equal(found.oDataCount, 4);
  assert.equal(found.value[0].parentcustomerid_account.name, "Contoso");
});

works("retrieveMultiple: values with letters, quotes, &, + and spaces", async (at) => {
  for (const name of NAMES) {
    const found = await at.api.retrieveMultiple({ ...TREES, filter: `lastname eq '${name.replaceAll("'", "''")}'` });
    assert.deepEqual(names(found), [name]);
  }
});

works("retrieveMultiple: parameter aliases", async (at) => {
  const found = await at.api.retrieveMultiple({
    collection: "contacts",
    select: ["lastname"],
    filter: "lastname eq @name and jobtitle eq @title",
    queryParams: ["@name='Elm'", "@title='Tree'"],
  });
  assert.deepEqual(names(found), ["Elm"]);
});

works("retrieveMultiple: query functions", async (at) => {
  const space = "Microsoft.Dynamics.CRM";
  for (const [condition, expected] of [
    [`${space}.In(PropertyName='lastname',PropertyValues=['Elm','Fig'])`, ["Elm", "Fig"]],
    [`${space}.Between(PropertyName='annualincome',PropertyValues=['20','30'])`, ["Cedar_tree", "Douglas 'Fir'"]],
    [`${space}.Today(PropertyName='createdon')`, [...NAMES].sort()],
    [`parentcustomerid_account/name eq 'Contoso' and contains(lastname,'0%25')`, ["Birch 50%"]],
  ]) {
    const filter = `jobtitle eq 'Tree' and ${condition.replace("%25", "%")}`;
    assert.deepEqual(names(await at.api.retrieveMultiple({ ...TREES, filter })), expected, condition);
  }
});

works("retrieveMultiple: pages by maxPageSize and the next link", async (at) => {
  const first = await at.api.retrieveMultiple({ ...TREES, maxPageSize: 4, count: true });
  assert.deepEqual([first.value.length, first.oDataCount], [4, 6]);
  const second = await at.api.retrieveMultiple({ ...TREES, maxPageSize: 4 }, first.oDataNextLink);
  assert.deepEqual([second.value.length, second.oDataNextLink], [2, undefined]);
});

works("retrieveAll", async (at) => {
  const found = await at.make({}).retrieveAll({ ...TREES, maxPageSize: 2 });
  assert.deepEqual(names(found), [...NAMES].sort());
});

works("count and countAll", async (at) => {
  assert.equal(await at.api.count({ collection: "contacts", filter: TREES.filter }), 6);
  assert.ok((await at.api.count({ collection: "contacts" })) >= 6);
  assert.equal(await at.api.countAll({ collection: "contacts", filter: TREES.filter, select: ["lastname"] }), 6);
});

works("$apply: groupby and aggregate", async (at) => {
  const found = await at.api.retrieveMultiple({
    collection: "contacts",
    apply: "filter(jobtitle eq 'Tree')/groupby((statuscode),aggregate(annualincome with sum as total))",
  });
  assert.deepEqual(found.value.map((row) => [row.statuscode, row.total]), [[1, 150]]);
});

const FETCH = (more) => `<fetch ${more}><entity name="contact"><attribute name="lastname"/><order attribute="lastname"/>
  <filter><condition attribute="jobtitle" operator="eq" value="Tree"/></filter></entity></fetch>`;

// The cookie is an annotation, and has to be asked for (…/fetchxml/page-results.md).
const ANNOTATED = { collection: "contacts", includeAnnotations: "*" };

works("fetch, the next page by its cookie", async (at) => {
  const fetchXml = FETCH('count="4"');
  const first = await at.api.fetch({ ...ANNOTATED, fetchXml, pageNumber: 1 });
  assert.equal(first.value.length, 4);
  const second = await at.api.fetch({
    ...ANNOTATED,
    fetchXml,
    pageNumber: first.PagingInfo.nextPage,
    pagingCookie: first.PagingInfo.cookie,
  });
  assert.deepEqual(names({ value: [...first.value, ...second.value] }), [...NAMES].sort());
});

works("fetchAll", async (at) => {
  const found = await at.api.fetchAll({ ...ANNOTATED, fetchXml: FETCH('count="2"') });
  assert.deepEqual(names(found), [...NAMES].sort());
});

works("retrieve with savedQuery and with userQuery", async (at) => {
  const views = await at.api.retrieveMultiple({
    collection: "savedqueries",
    select: ["savedqueryid"],
    filter: "returnedtypecode eq 'contact' and name eq 'Active Contacts'",
  });
  const saved = await at.api.retrieve({ collection: "contacts", savedQuery: views.value[0].savedqueryid });
  assert.ok(saved.value.length >= NAMES.length);
  const userQuery = await at.api.create({
    collection: "userqueries",
    data: {
      name: "Trees",
      returnedtypecode: "contact",
      querytype: 0,
      fetchxml: FETCH(""),
      layoutxml:
        "<grid name='resultset' object='2' jump='fullname' select='1' preview='1' icon='1'>" +
        "<row name='result' id='contactid'><cell name='lastname' width='100'/></row></grid>",
    },
  });
  const mine = await at.api.retrieve({ collection: "contacts", userQuery });
  assert.deepEqual(names(mine), [...NAMES].sort());
});

works("change tracking: a delta link, then what changed and went", async (at) => {
  const table = await at.api.retrieveEntity({ key: "LogicalName='contact'" });
  await at.api.updateEntity({ data: { ...table, ChangeTrackingEnabled: true }, mergeLabels: true });
  const tracked = { collection: "contacts", select: ["lastname"], trackChanges: true };
  let page = await at.api.retrieveMultiple(tracked);
  while (page.oDataNextLink) page = await at.api.retrieveMultiple(tracked, page.oDataNextLink);
  const trees = await at.api.retrieveMultiple(TREES);
  const [first, second] = trees.value;
  await at.api.update({ collection: "contacts", key: first.contactid, data: { lastname: "Alder" } });
  await at.api.deleteRecord({ collection: "contacts", key: second.contactid });
  const changes = await at.api.retrieveMultiple(tracked, page.oDataDeltaLink);
  const kept = changes.value.filter((row) => !row.reason);
  assert.deepEqual(kept.map((row) => row.lastname), ["Alder"]);
  assert.deepEqual(changes.value.filter((row) => row.reason === "deleted").map((row) => row.id), [second.contactid]);
});
