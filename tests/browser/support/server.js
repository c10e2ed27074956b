// `failsoft serve` for a test: its own process and database.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE_MS = 60_000;

function inherited() {
  const mine = ([name]) => !name.startsWith("FAILSOFT_") && name !== "DATABASE_URL";
  return Object.fromEntries(Object.entries(process.env).filter(mine));
}

export class Server {
  // `database`: "sqlite" or "postgres". `more`: more environment variables.
  static async start(database, more = {}) {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), "failsoft-browser-"));
    const url = database === "postgres" ? await freshPostgres() : `sqlite://${server.folder}/console.db?mode=rwc`;
    server.environment = {
      ...inherited(),
      DATABASE_URL: url,
      FAILSOFT_DRAIN_NOTICE_SECONDS: "0",
      FAILSOFT_MASTER_KEY: randomBytes(32).toString("base64"),
      FAILSOFT_ALLOW_PRIVATE_UPSTREAMS: "127.0.0.0/8",
      FAILSOFT_LOG: "warn",
      FAILSOFT_SPOOL: `${server.folder}/spool.db`,
      ...more,
    };
    await server.#begin(["serve", "--listen", "127.0.0.1:0"]);
    return server;
  }

  // `failsoft demo`, which has its own database. Returns `console`, a one-time link to the console, and `key`.
  static async demo() {
    const server = Object.assign(new Server(), { environment: inherited() });
    await server.#begin(["demo", "--listen", "127.0.0.1:0"]);
    const [key] = /fsk_\w+/.exec(server.said);
    return Object.assign(server, { key, console: /http:\S+(\/enter\/\S+)/.exec(server.said)[1] });
  }

  async #begin(words) {
    const process = spawn(globalThis.process.env.FAILSOFT_BIN, words, {
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = process;
    this.said = "";
    this.exited = new Promise((resolve) => process.once("exit", resolve));
    const address = new Promise((resolve, reject) => {
      const hear = (bytes) => {
        this.said += bytes;
        const found = /http:\/\/(127\.0\.0\.1:\d+)/.exec(this.said);
        if (found) resolve(found[1]);
      };
      process.stdout.on("data", hear);
      process.stderr.on("data", hear);
      process.once("exit", () => reject(new Error(`the server ended:\n${this.said}`)));
      setTimeout(() => reject(new Error(`the server names no address:\n${this.said}`)), PATIENCE_MS).unref();
    });
    this.address = await address;
    this.url = `http://${this.address}`;
    await this.#ready();
  }

  async #ready() {
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the server does not get ready:\n${this.said}`);
  }

  // Runs another command of the program on the same database, and returns its output.
  async command(words, input = "") {
    const process = spawn(globalThis.process.env.FAILSOFT_BIN, words, { env: this.environment, stdio: ["pipe", "pipe", "pipe"] });
    let [printed, complained] = ["", ""];
    process.stdout.on("data", (bytes) => (printed += bytes));
    process.stderr.on("data", (bytes) => (complained += bytes));
    process.stdin.end(input);
    const code = await new Promise((resolve) => process.once("close", resolve));
    if (code !== 0) throw new Error(`failsoft ${words.join(" ")} ended with ${code}:\n${complained}`);
    return printed;
  }

  // Kills the process, like a crash, and restarts it on the same port and database.
  async restart() {
    this.process.kill("SIGKILL");
    await this.exited;
    await this.#begin(["serve", "--listen", this.address]);
  }

  async stop() {
    this.process.kill("SIGINT");
    await this.exited;
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }
}

// A new database in the temporary cluster.
async function freshPostgres() {
  const base = process.env.FAILSOFT_TEST_POSTGRES_URL;
  if (!base) throw new Error("FAILSOFT_TEST_POSTGRES_URL is not set; run it as .ci/with-postgres tests/browser/run");
  const name = `browser_${randomBytes(6).toString("hex")}`;
  const url = new URL(base);
  const psql = spawn("psql", [base, "-qc", `CREATE DATABASE ${name}`], { stdio: ["ignore", "inherit", "inherit"] });
  const code = await new Promise((resolve) => psql.once("exit", resolve));
  if (code !== 0) throw new Error(`psql ended with ${code}`);
  url.pathname = `/${name}`;
  return url.href;
}
