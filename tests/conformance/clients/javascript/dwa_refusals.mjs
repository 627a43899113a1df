// What the local Dataverse refuses by design.

import { refused } from "./ledger.mjs";

const FILES = "files and images are not kept";
const SEARCH = "the search service is not played";

refused("uploadFile", FILES, (at) =>
  at.api.uploadFile({
    collection: "accounts",
    key: at.account,
    property: "entityimage",
    fileName: "a.png",
    data: Buffer.from("text"),
  }));

refused("downloadFile", FILES, (at) =>
  at.api.downloadFile({ collection: "accounts", key: at.account, property: "entityimage" }));

refused("create in a partition", "elastic tables are not played", (at) =>
  at.api.create({ collection: "accounts", data: { name: "x" }, partitionId: "p" }));

refused("callAction in the background (respond-async)", "background operations are not played", (at) =>
  at.api.callAction({ actionName: "PublishAllXml", respondAsync: true }));

for (const operation of ["query", "suggest", "autocomplete"]) {
  refused(operation, SEARCH, (at) => at.api[operation]({ query: { search: "Contoso" } }));
}

for (const operation of ["getBackgroundOperationStatus", "cancelBackgroundOperation"]) {
  refused(operation, "background operations are not played", (at) => at.api[operation](at.account));
}
