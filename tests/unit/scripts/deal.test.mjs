// The deal forms: which partners are offered, what a change clears, how a partner is linked.
import assert from "node:assert/strict";
import test from "node:test";

import { ANNA, BRINK, CUSTOMER, MAKER, NORD, OLLI, OTHER_CUSTOMER, THIRD, links, page, ref, rows, settled } from "./xrm.mjs";

const EMPTY = {
  parentaccountid: null,
  customerid: null,
  parentcontactid: null,
  pch_salespartnerid: null,
  pch_salespartnercontactid: null,
  pch_productionpartnerid: null,
  pch_productionpartnercontactid: null,
};

async function opened(columns = {}, more = {}) {
  const made = page({ table: "opportunity", columns: { ...EMPTY, ...columns }, ...more });
  made.scripts.deal.onLoad(made.event);
  await settled();
  return { ...made, at: (name) => made.form.attributes[name] };
}

const NOT_OFFERED = /operator="null"/;
const BY_TYPE = /attribute="pch_customertype" operator="eq" value="737860001".*attribute="statecode"/;

test("the lookup lists only the customer's linked partners", async () => {
  const { at } = await opened({ parentaccountid: ref(CUSTOMER) });
  assert.match(at("pch_salespartnerid").control.open(), new RegExp(`operator="in"><value>${BRINK}</value></condition>`));
  assert.match(at("pch_productionpartnerid").control.open(), new RegExp(`<value>${MAKER}</value>`));
});

test("a customer without partners offers none", async () => {
  const { at } = await opened({ parentaccountid: ref(OTHER_CUSTOMER) });
  assert.match(at("pch_productionpartnerid").control.open(), NOT_OFFERED);
});

test("without a customer, partners are offered by type", async () => {
  const { at } = await opened();
  assert.match(at("pch_salespartnerid").control.open(), BY_TYPE);
});

test("while the links are under way, and when they never come, partners are offered by type", async () => {
  const made = page({ table: "opportunity", columns: { ...EMPTY, parentaccountid: ref(CUSTOMER) } });
  let arrive;
  made.world.late.push(new Promise((resolve) => (arrive = resolve)));
  made.scripts.deal.onLoad(made.event);
  assert.match(made.form.attributes.pch_salespartnerid.control.open(), BY_TYPE);
  made.world.down = true;
  arrive();
  await settled();
  assert.match(made.form.attributes.pch_salespartnerid.control.open(), BY_TYPE);
  assert.equal(made.world.warnings.length, 1);
});

test("links are read once for a customer, not for every search", async () => {
  const { at, world } = await opened({ parentaccountid: ref(CUSTOMER) });
  at("pch_salespartnerid").control.open();
  at("pch_salespartnerid").control.open();
  assert.equal(world.reads, 1);
});

test("nothing is cleared or refused when a form opens", async () => {
  const columns = {
    parentaccountid: ref(CUSTOMER),
    pch_salespartnerid: ref(NORD),
    pch_salespartnercontactid: ref(ANNA, "contact"),
  };
  const { at, form } = await opened(columns);
  assert.deepEqual(at("pch_salespartnerid").getValue(), columns.pch_salespartnerid);
  assert.deepEqual(at("pch_salespartnercontactid").getValue(), columns.pch_salespartnercontactid);
  assert.deepEqual(form.notices, {});
});

test("another customer takes the partner away that is not linked to it, and says so", async () => {
  const { at, form } = await opened({
    parentaccountid: ref(CUSTOMER),
    pch_salespartnerid: ref(BRINK, "account", "Brinkmann"),
    pch_salespartnercontactid: ref(ANNA, "contact"),
  });
  await at("parentaccountid").choose(ref(OTHER_CUSTOMER));
  assert.equal(at("pch_salespartnerid").getValue(), null);
  assert.equal(at("pch_salespartnercontactid").getValue(), null);
  assert.match(form.notices["partner-cleared-sales"].text, /^Brinkmann is not a partner of this customer/);
});

test("another customer keeps a partner that is linked to it too", async () => {
  const data = rows();
  data.account[OTHER_CUSTOMER] = links(THIRD, BRINK, null);
  const { at, form } = await opened({ parentaccountid: ref(CUSTOMER), pch_salespartnerid: ref(BRINK) }, { data });
  await at("parentaccountid").choose(ref(OTHER_CUSTOMER));
  assert.deepEqual(at("pch_salespartnerid").getValue(), ref(BRINK));
  assert.deepEqual(form.notices, {});
});

test("when the links of another customer cannot be read, nothing is cleared", async () => {
  const { at, world, form } = await opened({ parentaccountid: ref(CUSTOMER), pch_salespartnerid: ref(BRINK) });
  world.down = true;
  await at("parentaccountid").choose(ref(OTHER_CUSTOMER));
  assert.deepEqual(at("pch_salespartnerid").getValue(), ref(BRINK));
  assert.deepEqual(form.notices, {});
  assert.match(at("pch_salespartnerid").control.open(), BY_TYPE);
});

test("of two customers chosen in haste the last one counts, whichever answer comes last", async () => {
  const { at, world } = await opened();
  let slow;
  world.late.push(new Promise((resolve) => (slow = resolve)));
  at("parentaccountid").choose(ref(CUSTOMER));
  await at("parentaccountid").choose(ref(OTHER_CUSTOMER));
  slow();
  await settled();
  assert.match(at("pch_salespartnerid").control.open(), new RegExp(`<value>${NORD}</value><value>${THIRD}</value>`));
});

test("another partner takes a contact away that does not work there, and says so", async () => {
  const { at, form } = await opened({
    parentaccountid: ref(CUSTOMER),
    pch_salespartnerid: ref(BRINK),
    pch_salespartnercontactid: ref(ANNA, "contact", "Anna"),
  });
  await at("pch_salespartnerid").choose(ref(NORD));
  assert.equal(at("pch_salespartnercontactid").getValue(), null);
  assert.match(form.notices["contact-cleared-sales"].text, /^Anna does not work for this partner/);
});

test("another partner keeps its own contact", async () => {
  const { at } = await opened({ pch_salespartnerid: ref(BRINK), pch_salespartnercontactid: ref(OLLI, "contact") });
  await at("pch_salespartnerid").choose(ref(NORD));
  assert.deepEqual(at("pch_salespartnercontactid").getValue(), ref(OLLI, "contact"));
});

test("without a partner there is no partner's contact", async () => {
  const { at } = await opened({ pch_salespartnerid: ref(BRINK), pch_salespartnercontactid: ref(ANNA, "contact") });
  await at("pch_salespartnerid").choose(null);
  assert.equal(at("pch_salespartnercontactid").getValue(), null);
});

test("a contact that somebody chose meanwhile is not the one that is cleared", async () => {
  const { at, world } = await opened({
    pch_salespartnerid: ref(BRINK),
    pch_salespartnercontactid: ref(ANNA, "contact"),
  });
  let arrive;
  world.late.push(new Promise((resolve) => (arrive = resolve)));
  const changing = at("pch_salespartnerid").choose(ref(NORD));
  at("pch_salespartnercontactid").setValue(ref(OLLI, "contact"));
  arrive();
  await changing;
  assert.deepEqual(at("pch_salespartnercontactid").getValue(), ref(OLLI, "contact"));
});

// ------------------------------------------------------------ whose deal

test("an opportunity's customer is its account, else the account it is sold to, else a contact's", async () => {
  const offers = async (columns, data = rows()) => {
    const { at } = await opened(columns, { data });
    return at("pch_salespartnerid").control.open();
  };
  const brink = new RegExp(`<value>${BRINK}</value>`);
  const data = rows();
  data.contact[OLLI]._parentcustomerid_value = CUSTOMER;
  assert.match(await offers({ parentaccountid: ref(CUSTOMER), customerid: ref(OTHER_CUSTOMER) }), brink);
  assert.match(await offers({ customerid: ref(CUSTOMER) }), brink);
  assert.match(await offers({ customerid: ref(OLLI, "contact") }, data), brink);
  assert.match(await offers({ parentcontactid: ref(OLLI, "contact") }, data), brink);
});

test("a quote's customer may be that of its opportunity", async () => {
  const data = rows();
  data.opportunity["f0000000-0000-4000-8000-000000000001"] = { _parentaccountid_value: CUSTOMER };
  const columns = { ...EMPTY, opportunityid: ref("f0000000-0000-4000-8000-000000000001", "opportunity") };
  const { form } = await opened(columns, { table: "quote", data });
  assert.match(form.attributes.pch_salespartnerid.control.open(), new RegExp(`<value>${BRINK}</value>`));
});

// ------------------------------------------------------------ linking

const LINK = "link-sales";

async function unlinked(more = {}) {
  return opened({ parentaccountid: ref(CUSTOMER), pch_salespartnerid: ref(NORD, "account", "Nord") }, more);
}

test("a partner that is not linked can be linked: the first free slot is filled", async () => {
  const { at, world, form } = await unlinked();
  const offer = at("pch_salespartnerid").control.notices[LINK];
  assert.match(offer.messages[0], /^Nord is not linked/);
  offer.actions[0].actions[0]();
  await settled();
  const change = { "pch_salespartner2id@odata.bind": `/accounts(${NORD})` };
  assert.equal(JSON.stringify(world.updates), JSON.stringify([["account", CUSTOMER, change]]));
  assert.equal(at("pch_salespartnerid").control.notices[LINK], undefined);
  assert.match(form.notices[LINK].text, /^Nord is now linked/);
  assert.match(at("pch_salespartnerid").control.open(), new RegExp(`<value>${NORD}</value>`));
});

test("a customer with two sales partners gets no third, and the user is told why", async () => {
  const data = rows();
  data.account[CUSTOMER] = links(BRINK, THIRD, null);
  const { at, world, form } = await unlinked({ data });
  at("pch_salespartnerid").control.notices[LINK].actions[0].actions[0]();
  await settled();
  assert.deepEqual(world.updates, []);
  assert.match(form.notices[LINK].text, /two sales partners already/);
});

test("a partner that somebody else linked meanwhile is not linked twice", async () => {
  const { at, world, form } = await unlinked();
  world.data.account[CUSTOMER]._pch_salespartner2id_value = NORD;
  at("pch_salespartnerid").control.notices[LINK].actions[0].actions[0]();
  await settled();
  assert.deepEqual(world.updates, []);
  assert.match(form.notices[LINK].text, /now linked/);
});

test("a link that cannot be written says where to do it", async () => {
  const { at, world, form } = await unlinked();
  world.down = true;
  at("pch_salespartnerid").control.notices[LINK].actions[0].actions[0]();
  await settled();
  assert.match(form.notices[LINK].text, /could not be linked/);
});

test("a linked partner, a quote and an order offer no link", async () => {
  const linked = await opened({ parentaccountid: ref(CUSTOMER), pch_salespartnerid: ref(BRINK) });
  assert.deepEqual(linked.at("pch_salespartnerid").control.notices, {});
  for (const table of ["quote", "salesorder"]) {
    const { at } = await opened({ customerid: ref(CUSTOMER), pch_salespartnerid: ref(NORD) }, { table });
    assert.deepEqual(at("pch_salespartnerid").control.notices, {});
  }
});

// ------------------------------------------------------------ no harm

test("read-only, disabled and bulk edit forms are left alone", async () => {
  for (const type of [0, 3, 4, 6]) {
    const { at, world } = await opened({ parentaccountid: ref(CUSTOMER), pch_salespartnerid: ref(NORD) }, { type });
    assert.equal(world.reads, 0);
    assert.equal(at("pch_salespartnerid").control.open(), "");
  }
});

test("a form without our columns, or of another table, is left alone", async () => {
  for (const table of ["lead", "incident"]) {
    const made = page({ table, columns: {} });
    made.scripts.deal.onLoad(made.event);
    await settled();
    assert.deepEqual(made.world.warnings, []);
  }
});

test("a form that breaks in our hands only leaves a trace", async () => {
  const made = page({ table: "opportunity", columns: EMPTY });
  made.scripts.deal.onLoad({ getFormContext: () => { throw new Error("no form"); } });
  await settled();
  assert.equal(made.world.warnings.length, 1);
});
