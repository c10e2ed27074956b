// Takes pictures of a folder of pages (see src/web/samples.rs), each in both sizes and both themes, and says what does not fit.
//
//   FAILSOFT_SAMPLES=/tmp/samples cargo test --lib web::samples
//   node --experimental-websocket tests/browser/samples.mjs /tmp/samples [page...]

import { createServer } from "node:http";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { startBrowser } from "./browser.mjs";

const KINDS = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript" };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const [folder, ...wanted] = process.argv.slice(2);

const server = createServer(async (request, response) => {
  const name = decodeURIComponent(new URL(request.url, "http://x").pathname).slice(1);
  try {
    const body = await readFile(join(folder, name));
    response.writeHead(200, { "content-type": KINDS[extname(name)] ?? "text/plain", "content-security-policy": POLICY });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const browser = await startBrowser();
let bad = 0;
const names = (await readdir(folder)).filter((name) => name.endsWith(".html")).map((name) => name.slice(0, -5));
for (const name of names.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  const page = await browser.page();
  for (const [width, scheme] of [[1440, "light"], [1440, "dark"], [375, "light"], [375, "dark"], [320, "light"], [768, "light"], [900, "light"], [1024, "light"]]) {
    await page.look({ width, scheme });
    await page.go(`${base}/${name}.html`);
    const overflow = await page.overflow();
    if (overflow > 0) { bad += 1; console.log(`${name} at ${width}: ${overflow} px too wide`); }
    if (width === 1440 || width === 375) await writeFile(join(folder, `${name}-${width}-${scheme}.png`), await page.picture());
  }
  // Text of twice the size in a window of 720: as one who zooms sees it.
  await page.look({ width: 720 });
  await page.evaluate("document.documentElement.style.setProperty('font-size', '175%')");
  const overflow = await page.overflow();
  if (overflow > 0) { bad += 1; console.log(`${name} with text of 200 %: ${overflow} px too wide`); }
  page.complaints.forEach((complaint) => { bad += 1; console.log(`${name}: ${complaint}`); });
}
await browser.close();
server.close();
process.exit(bad > 0 ? 1 : 0);
