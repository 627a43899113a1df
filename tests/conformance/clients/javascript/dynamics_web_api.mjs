// npm dynamics-web-api against one address:
//     node dynamics_web_api.mjs <folder that has node_modules> http://127.0.0.1:9000

import { createRequire } from "node:module";
import { carryOut } from "./ledger.mjs";
import "./dwa_rows.mjs";
import "./dwa_queries.mjs";
import "./dwa_batches.mjs";
import "./dwa_definitions.mjs";
import "./dwa_refusals.mjs";

const [modules, serverUrl] = process.argv.slice(2);
const { DynamicsWebApi } = createRequire(`${modules}/package.json`)("dynamics-web-api");
const config = { serverUrl, dataApi: { version: "9.2" }, onTokenRefresh: async () => "conformance" };

await carryOut({ api: new DynamicsWebApi(config), make: (more) => new DynamicsWebApi({ ...config, ...more }), serverUrl });
