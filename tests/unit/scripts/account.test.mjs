// The account form (sections by customer type, partner links) and the contact form (the tab of a partner's person).
import assert from "node:assert/strict";
import test from "node:test";

import { ANNA, BRINK, CUSTOMER, MAKER, NORD, page, ref, settled } from "./xrm.mjs";

const SECTIONS = ["pch_channel_type", "pch_channel_links", "pch_channel_customer_deals", "pch_channel_partner_pipeline"];
const COLUMNS = {
  pch_customertype: null,
  pch_salespartner1id: null,
  pch_salespartner2id: null,
  pch_productionpartnerid: null,
};

function opened(columns = {}, more = {}) {
  const made = page({
    table: "account",
    id: CUSTOMER,
    columns: { ...COLUMNS, ...columns },
    tabs: { pch_partnerchannel: SECTIONS },
    ...more,
  });
  made.scripts.account.onLoad(made.event);
  const tab = made.form.ui.tabs.get("pch_partnerchannel");
  return { ...made, shown: () => SECTIONS.filter((name) => tab.sections.get(name).isVisible) };
}

test("an end customer shows its links and deals, a partner its pipeline, others neither", async () => {
  assert.deepEqual(opened({ pch_customertype: 737860000 }).shown(), SECTIONS.slice(0, 3));
  assert.deepEqual(opened({ pch_customertype: 737860001 }).shown(), [SECTIONS[0], SECTIONS[3]]);
  assert.deepEqual(opened({ pch_customertype: 737860002 }).shown(), [SECTIONS[0], SECTIONS[3]]);
  assert.deepEqual(opened().shown(), [SECTIONS[0]]);
});

test("the sections follow the customer type", async () => {
  const { form, shown } = opened();
  await form.attributes.pch_customertype.choose(737860000);
  assert.deepEqual(shown(), SECTIONS.slice(0, 3));
});

test("without the customer type on the form everything is shown", () => {
  const made = page({ table: "account", columns: {}, tabs: { pch_partnerchannel: SECTIONS } });
  made.scripts.account.onLoad(made.event);
  made.form.ui.tabs.get("pch_partnerchannel").sections.forEach((section) => assert.ok(section.isVisible));
  assert.deepEqual(made.world.warnings, []);
});

test("a link offers active partners of its type that no other link names, and not the account itself", () => {
  const { form } = opened({ pch_salespartner1id: ref(BRINK), pch_productionpartnerid: ref(MAKER) });
  const filter = form.attributes.pch_salespartner2id.control.open();
  assert.match(filter, /attribute="pch_customertype" operator="eq" value="737860001"/);
  assert.match(filter, /attribute="statecode" operator="eq" value="0"/);
  for (const id of [CUSTOMER, BRINK, MAKER]) {
    assert.match(filter, new RegExp(`operator="ne" value="${id}"`));
  }
  const own = form.attributes.pch_salespartner1id.control.open();
  assert.doesNotMatch(own, new RegExp(BRINK));
  assert.match(form.attributes.pch_productionpartnerid.control.open(), /value="737860002"/);
});

test("a new account excludes nothing that has no id", () => {
  const { form } = opened({}, { id: "", type: 1 });
  assert.doesNotMatch(form.attributes.pch_salespartner1id.control.open(), /operator="ne"/);
});

test("a read-only account is only shown", () => {
  const { form } = opened({}, { type: 3 });
  assert.equal(form.attributes.pch_salespartner1id.control.open(), "");
});

// ------------------------------------------------------------ contact

async function contact(company, more = {}) {
  const made = page({ table: "contact", id: ANNA, columns: { parentcustomerid: company }, tabs: { pch_partnerchannel: [] }, ...more });
  made.scripts.contact.onLoad(made.event);
  await settled();
  return { ...made, isShown: () => made.form.ui.tabs.get("pch_partnerchannel").isVisible };
}

test("the tab of a contact is for the people of partners", async () => {
  assert.equal((await contact(ref(BRINK))).isShown(), true);
  assert.equal((await contact(ref(CUSTOMER))).isShown(), false);
  assert.equal((await contact(ref(ANNA, "contact"))).isShown(), false);
  assert.equal((await contact(null)).isShown(), false);
});

test("the tab follows the company", async () => {
  const { form, isShown } = await contact(null);
  await form.attributes.parentcustomerid.choose(ref(BRINK));
  assert.equal(isShown(), true);
});

test("a tab whose company cannot be read is shown", async () => {
  assert.equal((await contact(ref(NORD))).isShown(), true);
});

test("a contact form without the tab is left alone", async () => {
  const made = page({ table: "contact", columns: { parentcustomerid: ref(BRINK) } });
  made.scripts.contact.onLoad(made.event);
  await settled();
  assert.deepEqual(made.world.warnings, []);
});
