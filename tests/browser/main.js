// Every journey twice: with JavaScript at 1440 px in light on SQLite, and without it at 375 px in dark on PostgreSQL.
import { readdirSync } from "node:fs";
import { launch } from "./support/chromium.js";
import { Server } from "./support/server.js";
import { Visit } from "./support/visit.js";

const SETTINGS = [
  {
    name: "sqlite, JavaScript, 1440 px, light",
    database: "sqlite",
    script: true,
    context: { viewport: { width: 1440, height: 900 }, colorScheme: "light", javaScriptEnabled: true },
  },
  {
    name: "postgres, no JavaScript, 375 px, dark",
    database: "postgres",
    script: false,
    context: { viewport: { width: 375, height: 812 }, colorScheme: "dark", javaScriptEnabled: false },
  },
];

async function main(filter) {
  const browser = await launch();
  const files = readdirSync(new URL("./journeys", import.meta.url)).filter((file) => file.endsWith(".js") && file.includes(filter)).sort();
  const failed = await Promise.all(SETTINGS.map((setting) => all(files, setting, browser)));
  await browser.close();
  const sum = failed.reduce((one, other) => one + other);
  console.log(`browser: ${files.length * SETTINGS.length - sum} journeys passed, ${sum} failed`);
  process.exitCode = sum > 0 || files.length === 0 ? 1 : 0;
}

// One after the other; gives how many failed.
async function all(files, setting, browser) {
  let failed = 0;
  for (const file of files) {
    const journey = await import(`./journeys/${file}`);
    const began = Date.now();
    const fault = await attempt(journey, setting, browser);
    failed += fault ? 1 : 0;
    console.log(`${fault ? "FAIL" : "ok  "} ${file.replace(".js", "")} (${setting.name}) ${Date.now() - began} ms`);
    if (fault) console.log(String(fault.stack ?? fault).replace(/^/gm, "    "));
  }
  return failed;
}

async function attempt(journey, setting, browser) {
  const server = await Server.start(setting.database, journey.environment);
  const visits = [];
  const visit = async (way = server) => {
    const begun = await Visit.begin(setting, way, browser);
    visits.push(begun);
    return begun;
  };
  try {
    await journey.run({ visit, server, setting });
    for (const each of visits) await each.end();
    return undefined;
  } catch (error) {
    const last = visits.at(-1)?.page;
    if (last && process.env.FAILSOFT_BROWSER_SHOT) await last.screenshot({ path: process.env.FAILSOFT_BROWSER_SHOT, fullPage: true }).catch(() => {});
    const where = last ? `\nat ${last.url()}` : "";
    error.stack = `${error.stack}${where}\n${server.said.slice(-2_000)}`;
    return error;
  } finally {
    await server.stop();
  }
}

const [word = "", folder = "target/screenshots"] = process.argv.slice(2);
if (word === "--screenshots") {
  const { screenshots } = await import("./screenshots.js");
  process.exitCode = (await screenshots(folder)) ? 0 : 1;
} else {
  await main(word);
}
