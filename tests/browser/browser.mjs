// A Chromium under our control, by its own protocol: nothing to install but the browser itself.
//
// Node 20 knows WebSocket with --experimental-websocket; later ones know it anyway.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START = 30_000;

/** Starts a browser; `close` ends it and removes what it left. */
export async function startBrowser() {
  const profile = await mkdtemp(join(tmpdir(), "failsoft-browser-"));
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
  const process_ = spawn(process.env.CHROMIUM ?? "chromium", options, { stdio: ["ignore", "ignore", "pipe"] });
  const address = await new Promise((resolve, reject) => {
    let said = "";
    const late = setTimeout(() => reject(new Error(`the browser did not start: ${said}`)), START);
    process_.on("error", reject);
    process_.stderr.on("data", (data) => {
      said += data;
      const found = /DevTools listening on (ws:\S+)/.exec(said);
      if (found) { clearTimeout(late); resolve(found[1]); }
    });
  });
  const connection = await connect(address);
  return {
    page: () => openPage(connection),
    async close() {
      connection.socket.close();
      const gone = new Promise((resolve) => process_.on("exit", resolve));
      process_.kill();
      await gone;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function connect(address) {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
  const waiting = new Map();
  const listeners = new Set();
  let last = 0;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (!message.id) { listeners.forEach((listener) => listener(message)); return; }
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) reject(new Error(message.error.message)); else resolve(message.result);
  };
  const send = (method, params = {}, sessionId) => new Promise((resolve, reject) => {
    last += 1;
    waiting.set(last, { resolve, reject });
    socket.send(JSON.stringify({ id: last, method, params, sessionId }));
  });
  return { socket, send, listeners };
}

/** A tab of its own, without the cookies of the others. */
async function openPage({ send, listeners }) {
  const { browserContextId } = await send("Target.createBrowserContext");
  const { targetId } = await send("Target.createTarget", { url: "about:blank", browserContextId });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const call = (method, params) => send(method, params, sessionId);
  const events = new Set();
  const complaints = [];
  listeners.add((message) => {
    if (message.sessionId !== sessionId) return;
    events.forEach((listener) => listener(message));
    const { method, params } = message;
    if (method === "Runtime.exceptionThrown") complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled" && params.type === "error") complaints.push(params.args.map((arg) => arg.value).join(" "));
    if (method === "Log.entryAdded" && params.entry.level === "error") complaints.push(`${params.entry.text} ${params.entry.url ?? ""}`);
  });
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await call(`${domain}.enable`);
  const once = (method) => new Promise((resolve) => {
    const listener = (message) => { if (message.method === method) { events.delete(listener); resolve(message.params); } };
    events.add(listener);
  });
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  return {
    call, once, evaluate,
    /** Listens to an event of the protocol, until `off`. */
    on(method, tell) { events.add((message) => { if (message.method === method) tell(message.params); }); },
    off() { events.clear(); },
    /** Errors of scripts and of the policy, so far. */
    complaints,
    async look({ width, height = 900, scheme = "light", script = true, scale = 1 }) {
      await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: scale, mobile: width < 600 });
      await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }] });
      await call("Emulation.setScriptExecutionDisabled", { value: !script });
    },
    async go(url) {
      const loaded = once("Page.loadEventFired");
      await call("Page.navigate", { url });
      await loaded;
    },
    /** Does what leads to another page, and waits for that. */
    async leave(action) {
      const loaded = once("Page.loadEventFired");
      await action();
      await loaded;
    },
    /** How much wider the page is than its window. */
    async overflow() {
      const { cssContentSize, cssLayoutViewport } = await call("Page.getLayoutMetrics");
      return Math.max(0, cssContentSize.width - cssLayoutViewport.clientWidth);
    },
    async picture({ whole = true } = {}) {
      const { data } = await call("Page.captureScreenshot", { format: "png", captureBeyondViewport: whole });
      return Buffer.from(data, "base64");
    },
  };
}
