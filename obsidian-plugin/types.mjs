/**
 * Types of the daemon's JSON, made from its OpenAPI document: src/api-types.d.ts.
 *
 *     node types.mjs            write them
 *     node types.mjs --check    fail when they are not up to date
 *
 * The document is what `GET /api/v1/openapi.json` answers; no daemon has to run. `python` is the one
 * in which Companion is installed, as `make` sets it up.
 */

import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const FILE = new URL("src/api-types.d.ts", import.meta.url);
const PRINT = `
import json
from companion.daemon.app import describe_api
print(json.dumps(describe_api()))
`;

const root = fileURLToPath(new URL("../", import.meta.url));
const document = execFileSync("python", ["-c", PRINT], { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 });
const schemas = JSON.parse(document, (key, value) => (key === "title" && typeof value === "string" ? undefined : value));
const nodes = await openapiTS({ ...schemas, paths: {} }, { silent: true, rootTypes: true, rootTypesNoSchemaPrefix: true });
const types = `/** Made by \`npm run types\` from the daemon's OpenAPI document; do not edit. */\n\n${astToString(nodes)}`;
if (!process.argv.includes("--check")) {
  await writeFile(FILE, types);
} else if ((await readFile(FILE, "utf8").catch(() => "")).replaceAll("\r\n", "\n") !== types) {
  process.stderr.write("src/api-types.d.ts is not up to date: npm run types\n");
  process.exitCode = 1;
}
