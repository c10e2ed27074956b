// Follows links to every page. Of paths that differ only in an id or in their query, the first counts.

// Links that are not pages, or that end the session.
const LEFT_OUT = /\.csv|\.txt$|\.md$|^\/static\/|^\/logout|^\/openapi|^\/enter\//;

// A name for a path: "/fallbacks/<id>/try" is "fallbacks-one-try".
export function nameOf(path) {
  const plain = path.split(/[?#]/)[0].replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "one");
  return plain.slice(1).replaceAll("/", "-") || "overview";
}

// Calls `open(path)`, which returns the status, then `look(name)` if it is 200. Returns the names, and the paths
// without a page.
export async function crawl(page, first, open, look) {
  const waiting = [...first];
  const [met, names, broken] = [new Set(), new Set(), []];
  while (waiting.length > 0) {
    const path = waiting.shift();
    const name = nameOf(path);
    if (met.has(name)) continue;
    met.add(name);
    const status = await open(path);
    if (status !== 200) {
      broken.push(`${path} answers ${status}`);
      continue;
    }
    names.add(name);
    const links = await page.locator("a[href^='/']").evaluateAll((all) => all.map((link) => link.getAttribute("href").split("#")[0]));
    waiting.push(...links.filter((link) => !LEFT_OUT.test(link)));
    await look(name);
  }
  return { names, broken };
}
