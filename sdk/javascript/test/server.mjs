// A real server on a fresh file, for one test file.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { OpenLoop } from "../index.mjs";

const BINARY = process.env.LOOP_SERVER ?? fileURLToPath(new URL("../../../target/debug/loop-server", import.meta.url));

function freePort() {
  return new Promise((done, failed) => {
    const probe = createServer().once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/** Starts a server; answers its URL, its first key, a client with it, and how to stop it. */
export async function start() {
  const folder = mkdtempSync(join(tmpdir(), "openloop-sdk-"));
  const baseUrl = `http://127.0.0.1:${await freePort()}`;
  const apiKey = `tl_${randomBytes(24).toString("hex")}`;
  const child = spawn(BINARY, ["--listen", new URL(baseUrl).host, "--db", join(folder, "loop.db")], {
    env: { ...process.env, LOOP_API_KEY: apiKey, LOOP_ALLOW_PRIVATE_TARGETS: "1" },
    stdio: ["ignore", "ignore", "ignore"],
  });
  const gone = new Promise((done) => child.once("exit", done).once("error", done));
  const stop = async () => {
    child.kill("SIGTERM");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tried = 0; ; tried += 1) {
    const ready = await fetch(`${baseUrl}/readyz`).then((answer) => answer.ok, () => false);
    if (ready) break;
    if (tried > 300 || child.exitCode !== null) {
      await stop();
      throw new Error(`${BINARY} does not answer: build it with \`cargo build\``);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  return { baseUrl, apiKey, admin: new OpenLoop({ apiKey, baseUrl }), stop };
}

/** A loop and a client with a key of its own. */
export async function loop({ admin, baseUrl }, body, scopes) {
  const made = await admin.loops.create(body);
  const key = await admin.keys.create({ name: body.tag, scopes, loopId: made.id });
  return { ...made, client: new OpenLoop({ apiKey: key.key, baseUrl }) };
}
