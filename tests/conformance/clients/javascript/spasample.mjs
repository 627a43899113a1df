// Microsoft's SPASample programs, unmodified, in a page that jsdom plays, against one address:
//     node spasample.mjs <folder that has node_modules> <SPASample's folder src> http://127.0.0.1:9000
//
// The programs write what they do into the page: a heading for each section, an element of class "error" for what went
// wrong. A section is a row of the table; a program's last row says that it came to its end.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { say } from "./ledger.mjs";

const [modules, source, serverUrl] = process.argv.slice(2);
const { JSDOM } = createRequire(`${modules}/package.json`)("jsdom");
const { window } = new JSDOM("<main id='container'></main>");
Object.assign(globalThis, { document: window.document, DOMParser: window.DOMParser, XMLSerializer: window.XMLSerializer });
console.error = console.log = () => {}; // the programs tell the developer tools what they tell the page

// What each program must have shown by its end, and what of it the local Dataverse refuses by design.
const PROGRAMS = {
  BasicOperationsSample: {
    shown: [
      "Contact's telephone number is: 555-0105.",
      "Account 'Contoso Ltd' has primary contact 'Rafel Shillo':",
      "Contact has 3 related tasks:",
      "Account has 1 related contacts:",
      "Role is associated with user.",
    ],
  },
  QueryDataSample: {
    shown: ["Contoso contact count: 8", "Contact result count: 4", "€61,300.00", "User query created with ID:"],
  },
  ConditionalOperationsSample: {
    shown: [
      "Attempted to refresh the account record, but the data is not changed.",
      "As expected, failed to delete account record.",
      "As expected, failed to update account record.",
    ],
  },
  BatchSample: { shown: ["Deleted account created in batch".repeat(3)] },
  FunctionsAndActions: { shown: ["prvCreateAccount", "New Contoso Consulting Chicago Branch account record created."] },
};
const REFUSED = [
  [/does not implement the operation 'ImportSolution'/, "solution files are not played"],
  [/IsSystemAdminFunction solution/, "the program's custom function came in a solution file"],
  [/does not implement the operation 'FormatAddress'/, "not played"],
  [/No other enabled interactive users/, "sharing is not played; the program wants a second user, and goes on without"],
];

const { DataverseWebAPI } = await import(pathToFileURL(`${source}/scripts/DataverseWebAPI.js`));
for (const [name, { shown }] of Object.entries(PROGRAMS)) {
  const { [name]: Program } = await import(pathToFileURL(`${source}/samples/${name}.js`));
  const container = document.getElementById("container");
  const program = new Program(new DataverseWebAPI.Client(serverUrl, async () => "conformance"), container);
  await program.SetUp();
  await program.Run();
  await program.CleanUp();
  for (const section of sections(name, container)) judge(section);
  const text = container.textContent;
  const missing = shown.filter((each) => !text.includes(each));
  if (!text.includes("completed.")) say(`${name}, to its end`, "fails", "it stopped before");
  else if (missing.length > 0) say(`${name}, to its end`, "fails", `it did not show: ${missing.join(" | ")}`);
  else say(`${name}, to its end`, "works");
}

/** Cuts what a program wrote at its headings. */
function sections(name, container) {
  const found = [{ name: `${name}, set-up`, errors: [] }];
  for (const element of container.children) {
    const heading = element.matches("h2") ? element : element.querySelector("h2");
    if (heading) found.push({ name: `${name}, ${heading.textContent}`, errors: [] });
    const wrong = [...element.querySelectorAll(".error"), ...(element.matches(".error") ? [element] : [])];
    found.at(-1).errors.push(...wrong.map((each) => each.textContent));
  }
  return found;
}

function judge({ name, errors }) {
  const reasons = errors.map((error) => REFUSED.find(([pattern]) => pattern.test(error))?.[1]);
  if (errors.length === 0) say(name, "works");
  else if (reasons.every(Boolean)) say(name, "refused", `${reasons[0]}: ${errors[0]}`);
  else say(name, "fails", errors.join(" | "));
}
