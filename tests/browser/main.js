// Runs every journey twice: with JavaScript at 1440 px in light mode on SQLite, and without it at 375 px in dark mode
// on PostgreSQL. Each setting has its own fonts; every page is also checked with the other's.
import { readdirSync } from "node:fs";
import { launch } from "./support/chromium.js";
import { fonts } from "./support/fonts.js";
import { Server } from "./support/server.js";
import { Visit } from "./support/visit.js";

const SETTINGS = [
  {
    name: "sqlite, JavaScript, 1440 px, light",
    database: "sqlite",
    script: true,
    fonts: "noto",
    context: { viewport: { width: 1440, height: 900 }, colorScheme: "light", javaScriptEnabled: true },
  },
  {
    name: "postgres, no JavaScript, 375 px, dark",
    database: "postgres",
    script: false,
    fonts: "dejavu",
    context: { viewport: { width: 375, height: 812 }, colorScheme: "dark", javaScriptEnabled: false },
  },
];

// The journeys that check every page, and the pages with a summary of errors.
const EVERY_PAGE = ["07-mistakes.js", "11-every-page.js"];
const OTHER_FONTS = { noto: "dejavu", dejavu: "noto" };

async function main(filter) {
  const files = readdirSync(new URL("./journeys", import.meta.url)).filter((file) => file.endsWith(".js") && file.includes(filter)).sort();
  const found = await Promise.all(SETTINGS.map((setting) => inSetting(files, setting)));
  const failed = found.flat().filter((fault) => fault);
  console.log(`browser: ${found.flat().length - failed.length} journeys passed, ${failed.length} failed`);
  process.exitCode = failed.length > 0 || files.length === 0 ? 1 : 0;
}

// Runs the journeys of a setting, then those of EVERY_PAGE with the other fonts. Returns the failures, undefined for what
// passed.
async function inSetting(files, setting) {
  const other = { ...setting, fonts: OTHER_FONTS[setting.fonts], name: `${setting.name}, ${OTHER_FONTS[setting.fonts]}` };
  const again = files.filter((file) => EVERY_PAGE.includes(file));
  return [...(await all(files, setting)), ...(await all(again, other))];
}

// Runs journeys one after the other, in a browser with the setting's fonts.
async function all(files, setting) {
  if (files.length === 0) return [];
  const browser = await launch(fonts(setting.fonts));
  const faults = [];
  for (const file of files) {
    const journey = await import(`./journeys/${file}`);
    const began = Date.now();
    const fault = await attempt(journey, setting, browser);
    faults.push(fault);
    console.log(`${fault ? "FAIL" : "ok  "} ${file.replace(".js", "")} (${setting.name}) ${Date.now() - began} ms`);
    if (fault) console.log(String(fault.stack ?? fault).replace(/^/gm, "    "));
  }
  await browser.close();
  return faults;
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
