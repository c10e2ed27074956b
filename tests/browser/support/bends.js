// Layout checks. These functions run inside the page, so they cannot use anything from outside of themselves.

export function twiceTheText() {
  const root = document.documentElement;
  root.style.fontSize = `${2 * parseFloat(getComputedStyle(root).fontSize)}px`;
}

export function usualText() {
  document.documentElement.style.fontSize = "";
}

// Elements that make the page scroll sideways, innermost first.
export function tooWide() {
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const over = [...document.body.querySelectorAll("*")].filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > clientWidth + 1);
  return over.reverse().slice(0, 3).map((element) => `${scrollWidth - clientWidth} px: ${element.outerHTML.slice(0, 120)}`);
}

// Texts that overflow their box and are not accessible: the box does not scroll, and there is no title.
export function cutOff() {
  const hides = (value) => value === "hidden" || value === "clip";
  const cut = (element) => {
    const style = getComputedStyle(element);
    const wide = hides(style.overflowX) && element.scrollWidth > element.clientWidth + 1;
    const high = hides(style.overflowY) && element.scrollHeight > element.clientHeight + 1;
    // Visually hidden elements are one pixel large.
    return (wide || high) && element.clientWidth > 1 && element.clientHeight > 1 && element.checkVisibility() && !element.closest("[title], svg");
  };
  return [...document.body.querySelectorAll("*")].filter((element) => element.textContent.trim() && cut(element)).map((element) => element.outerHTML.slice(0, 160));
}

// In forced colors: buttons without an edge, states without text, and elements without a visible focus.
export function lostInForcedColors() {
  const visible = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(visible);
  const style = (element) => getComputedStyle(element);
  const lost = [];
  const note = (what, element) => lost.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
  for (const element of all(".button, select, textarea, input:not([type=checkbox], [type=radio])")) {
    const { borderTopStyle, borderTopWidth, borderTopColor } = style(element);
    const seen = borderTopStyle !== "none" && parseFloat(borderTopWidth) > 0 && borderTopColor !== style(document.body).backgroundColor;
    if (!seen) note("no edge", element);
  }
  for (const element of all(".chip")) {
    if (!/\p{Letter}/u.test(element.textContent)) note("no word", element);
    if (style(element).color === style(element).backgroundColor) note("no contrast", element);
  }
  for (const element of all("a[href], button:not(:disabled), input:not([type=hidden]), select, textarea, summary, [tabindex='0']")) {
    element.focus();
    if (document.activeElement !== element) continue;
    const { outlineStyle, outlineWidth, outlineColor } = style(element);
    const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && outlineColor !== style(document.body).backgroundColor;
    if (!seen) note("no focus", element);
  }
  return lost;
}
