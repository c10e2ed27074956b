// Debian's Chromium, without background activity.
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// `environment`: variables that differ from ours, such as the available fonts.
export function launch(environment = {}) {
  return chromium.launch({ executablePath: process.env.FAILSOFT_CHROMIUM, args: FLAGS, env: { ...process.env, ...environment } });
}
