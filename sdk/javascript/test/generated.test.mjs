import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { OpenLoop } from "../index.mjs";
import { generated, read, routes } from "../scripts/generate.mjs";

const document = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8"));

test("routes and types are those of the server's document", () => {
  for (const [file, text] of Object.entries(generated())) {
    assert.equal(read(file), text, `${file} is stale: run \`npm run generate\``);
  }
});

test("every route of the surface has one method, and no two have the same", () => {
  const client = new OpenLoop({ apiKey: "k" });
  const names = routes(document).map((route) => `${route.group}.${route.name}`);
  assert.ok(names.length >= 22, `${names.length} routes`);
  assert.equal(new Set(names).size, names.length, names.join(" "));
  for (const name of names) {
    const [group, method] = name.split(".");
    assert.equal(typeof client[group][method], "function", name);
    assert.ok(read("index.d.ts").includes(`    ${method}(`), name);
  }
});

test("the package holds what it needs and nothing else", () => {
  const folder = fileURLToPath(new URL("..", import.meta.url));
  const said = execFileSync("npm", ["pack", "--dry-run", "--json", "--offline"], { cwd: folder, encoding: "utf8" });
  const [{ files }] = JSON.parse(said);
  assert.deepEqual(files.map((file) => file.path).sort(), [
    "LICENSE",
    "README.md",
    "adapters/ai-sdk.d.mts",
    "adapters/ai-sdk.mjs",
    "index.cjs",
    "index.d.mts",
    "index.d.ts",
    "index.mjs",
    "lib/client.cjs",
    "lib/errors.cjs",
    "lib/retry.cjs",
    "lib/routes.cjs",
    "package.json",
  ]);
  const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(read("package.json"));
  assert.deepEqual([dependencies, peerDependencies, optionalDependencies], [undefined, undefined, undefined]);
});
