// From an empty account to a first failover in at most four clicks; then a key, and the same from a program.
import assert from "node:assert/strict";
import { Organization } from "../support/organization.js";
import { signUp } from "../support/people.js";

const MOST_CLICKS = 4;

export async function run({ visit, server }) {
  const ada = await visit();
  await signUp(ada);
  const frame = ada.page.getByRole("heading", { level: 1 });
  await frame.filter({ hasNotText: "Sign up" }).waitFor();
  if (!(await frame.innerText()).includes("First steps")) {
    await ada.look("overview, nothing yet");
    await ada.follow("Send the first request");
    await frame.filter({ hasText: "First steps" }).waitFor();
  }
  await ada.press("Send a test request");
  await ada.page.locator("#outcome .station.answered").waitFor();
  await ada.look("first steps, sent");
  await ada.follow("Open the event");
  await ada.page.locator(".story").waitFor();
  assert.ok(ada.clicks <= MOST_CLICKS, `${ada.clicks} clicks to the first failover`);
  await ada.sees("Overloaded");
  assert.equal(await ada.page.locator(".rail .station.failed").count(), 1);
  assert.equal(await ada.page.locator(".rail .station.answered").count(), 1);

  await ada.open("/start");
  await ada.press("Create a key");
  const key = (await ada.page.getByRole("region", { name: /^Your key/ }).innerText()).trim();
  const acme = Object.assign(new Organization(), { server, key });
  const answer = await acme.ask("smart");
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(answer.body.model, "steady");
  await ada.open("/start");
  assert.ok(!(await ada.page.content()).includes(key), "a key is shown only once");

  // The same from the playground, and from the "try it" page of a fallback.
  await ada.open("/playground");
  await ada.field("Model").selectOption("smart");
  await ada.fill({ Prompt: "Are you there?" });
  await ada.press("Send");
  await ada.page.locator(".station.answered", { hasText: "steady" }).waitFor();
  await ada.look("playground, answered");
  await ada.follow("Fallbacks of smart");
  await ada.follow("Try it");
  await ada.page.getByRole("heading", { level: 1, name: "Try it" }).waitFor();
  await ada.page.getByLabel(/^smart/).selectOption("timeout");
  await ada.press("Run");
  await ada.page.locator(".station.failed", { hasText: "Timed out" }).waitFor();
  await ada.page.locator(".station.answered", { hasText: "steady" }).waitFor();
  await ada.look("try it, tried");
}
