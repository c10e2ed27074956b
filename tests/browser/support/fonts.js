// The fonts of a run: only named ones. A machine's default fonts vary, and with them the size of every box.
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// By generic name: the first is used, the others supply missing glyphs and scripts.
const SETS = {
  // Low and wide.
  dejavu: { "sans-serif": ["DejaVu Sans"], monospace: ["DejaVu Sans Mono"] },
  // High and narrow.
  noto: { "sans-serif": ["Noto Sans", "Noto Sans Symbols2", "Noto Sans Arabic", "Noto Sans Devanagari"], monospace: ["Liberation Mono"] },
};

// The environment variables that limit a browser to a set of fonts.
export function fonts(name) {
  const set = SETS[name];
  const families = Object.values(set).flat();
  const lacking = families.filter((family) => execFileSync("fc-list", [family, "file"], { encoding: "utf8" }).trim() === "");
  if (lacking.length > 0) throw new Error(`no font of the family ${lacking.join(", ")}; run .ci/setup`);
  const folder = mkdtempSync(join(tmpdir(), "failsoft-fonts-"));
  const file = join(folder, "fonts.conf");
  writeFileSync(file, configuration(set, families, folder));
  return { FONTCONFIG_FILE: file };
}

function configuration(set, families, folder) {
  const pattern = (name, value) => `<pattern><patelt name="${name}">${value}</patelt></pattern>`;
  const accepted = families.map((family) => pattern("family", `<string>${family}</string>`)).join("");
  const all = ["true", "false"].map((value) => pattern("scalable", `<bool>${value}</bool>`)).join("");
  // Every other name is mapped to one of the two, including names in style sheets that no machine of ours has.
  const preferred = Object.entries({ ...set, "system-ui": set["sans-serif"], "ui-monospace": set.monospace });
  const aliases = preferred.map(([generic, own]) => {
    const names = own.map((family) => `<family>${family}</family>`).join("");
    return `<alias binding="strong"><family>${generic}</family><prefer>${names}</prefer></alias>`;
  });
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>/usr/local/share/fonts</dir>
  <dir prefix="xdg">fonts</dir>
  <cachedir>${folder}/cache</cachedir>
  <selectfont><rejectfont>${all}</rejectfont><acceptfont>${accepted}</acceptfont></selectfont>
  ${aliases.join("\n  ")}
</fontconfig>
`;
}
