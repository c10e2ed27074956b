// Debian's Chromium, without what it does by itself.
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// `environment`: what is different from ours, such as which fonts there are.
export function launch(environment = {}) {
  return chromium.launch({ executablePath: process.env.FAILSOFT_CHROMIUM, args: FLAGS, env: { ...process.env, ...environment } });
}
