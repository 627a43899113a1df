// A form and a Web API small enough to read: what the scripts of solution/scripts may touch, and nothing more.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const SCRIPTS = new URL("../../../solution/scripts/", import.meta.url);
const TEXTS = readFileSync(new URL("texts.en.resx", SCRIPTS), "utf8");

export const CUSTOMER = "c0000000-0000-4000-8000-000000000001";
export const OTHER_CUSTOMER = "c0000000-0000-4000-8000-000000000002";
export const BRINK = "b0000000-0000-4000-8000-000000000001";
export const NORD = "b0000000-0000-4000-8000-000000000002";
export const THIRD = "b0000000-0000-4000-8000-000000000003";
export const MAKER = "d0000000-0000-4000-8000-000000000001";
export const ANNA = "e0000000-0000-4000-8000-000000000001"; // works at BRINK
export const OLLI = "e0000000-0000-4000-8000-000000000002"; // works at NORD

const LOGICAL = "@Microsoft.Dynamics.CRM.lookuplogicalname";

export function rows() {
  return {
    account: {
      [CUSTOMER]: links(BRINK, null, MAKER),
      [OTHER_CUSTOMER]: links(NORD, THIRD, null),
      [BRINK]: { pch_customertype: 737860001 },
    },
    contact: {
      [ANNA]: { _parentcustomerid_value: BRINK, ["_parentcustomerid_value" + LOGICAL]: "account" },
      [OLLI]: { _parentcustomerid_value: NORD, ["_parentcustomerid_value" + LOGICAL]: "account" },
    },
    opportunity: {},
  };
}

export function links(one, two, made) {
  return { _pch_salespartner1id_value: one, _pch_salespartner2id_value: two, _pch_productionpartnerid_value: made };
}

export function ref(id, entityType = "account", name = "Row " + id.slice(-1)) {
  return [{ id: "{" + id.toUpperCase() + "}", entityType, name }];
}

/** Make a page: a form with columns, the scripts, a Web API over `data`. */
export function page({ table, columns, id = "", type = 2, tabs = {}, data = rows() }) {
  const world = { data, down: false, late: [], updates: [], reads: 0, warnings: [] };
  const form = makeForm(table, columns, id, type, tabs);
  const answer = async (kind, rowId) => {
    world.reads += 1;
    if (world.late.length) {
      await world.late.shift();
    }
    if (world.down) {
      throw new Error("the network is down");
    }
    const row = world.data[kind][rowId];
    if (!row) {
      throw new Error("no such row");
    }
    return row;
  };
  const Xrm = {
    WebApi: {
      retrieveRecord: (kind, rowId) => answer(kind, rowId),
      updateRecord: async (kind, rowId, change) => {
        const row = await answer(kind, rowId);
        world.updates.push([kind, rowId, change]);
        for (const [name, value] of Object.entries(change)) {
          row["_" + name.replace("@odata.bind", "") + "_value"] = /\((.*)\)/.exec(value)[1];
        }
      },
    },
    Utility: {
      getResourceString: (name, key) => {
        const found = new RegExp('name="' + key + '"[^>]*><value>([^<]*)').exec(TEXTS);
        return name === "pch_/partnerchannel/texts" && found ? found[1] : null;
      },
    },
  };
  const context = vm.createContext({ Xrm, console: { warn: (...words) => world.warnings.push(words) } });
  for (const name of ["common.js", "account.js", "contact.js", "deal.js"]) {
    vm.runInContext(readFileSync(new URL(name, SCRIPTS), "utf8"), context, { filename: name });
  }
  return { world, form, scripts: context.PartnerChannel, event: { getFormContext: () => form } };
}

/** Let everything that is under way come to its end. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function collection(list, name = "name") {
  return {
    forEach: (run) => list.forEach(run),
    get: (wanted) => list.find((each) => each[name] === wanted) || null,
  };
}

function makeForm(table, columns, id, type, tabs) {
  const attributes = Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, attribute(name, value)]));
  const notices = {};
  return {
    attributes,
    notices,
    data: { entity: { getEntityName: () => table, getId: () => (id ? "{" + id + "}" : "") } },
    getAttribute: (name) => attributes[name] || null,
    ui: {
      getFormType: () => type,
      setFormNotification: (text, level, key) => {
        notices[key] = { text, level };
        return true;
      },
      tabs: collection(Object.entries(tabs).map(([name, sections]) => tab(name, sections))),
    },
  };
}

function tab(name, sections) {
  const made = visible({ name });
  made.sections = collection(sections.map((each) => visible({ name: each })));
  return made;
}

function visible(thing) {
  thing.isVisible = true;
  thing.setVisible = (is) => {
    thing.isVisible = is;
  };
  return thing;
}

function attribute(name, start) {
  let value = start;
  const listeners = [];
  const one = control(name);
  const made = {
    control: one,
    controls: collection([one]),
    getValue: () => value,
    setValue: (next) => {
      value = next;
    },
    addOnChange: (run) => listeners.push(run),
    /** As a user does: the value, then everybody who listens. */
    choose: async (next) => {
      value = next;
      listeners.forEach((run) => run());
      await settled();
    },
  };
  return made;
}

function control(name) {
  const searches = [];
  const made = {
    name,
    notices: {},
    filters: [],
    addPreSearch: (run) => searches.push(run),
    addCustomFilter: (xml, table) => made.filters.push({ xml, table }),
    addNotification: (notice) => {
      made.notices[notice.uniqueId] = notice;
      return true;
    },
    clearNotification: (key) => {
      delete made.notices[key];
      return true;
    },
    /** As a user does: open the lookup, and see which filter it gets. */
    open: () => {
      made.filters = [];
      searches.forEach((run) => run());
      return made.filters.map((each) => each.xml).join("");
    },
  };
  return made;
}
