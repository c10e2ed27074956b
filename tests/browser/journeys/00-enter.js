// Signs up, signs out and signs in; a wrong password is reported next to its form.
import assert from "node:assert/strict";
import { logIn, signUp } from "../support/people.js";

export async function run({ visit }) {
  const ada = await visit();
  await signUp(ada);
  await (await ada.menu()).getByText("Acme Rockets").waitFor();
  await ada.press("Log out");
  await ada.page.waitForURL("**/login*");

  ada.provokes(422, "/login");
  await logIn(ada, "ada@acme.test", "wrong password");
  await ada.page.getByRole("alert").waitFor();
  assert.equal(await ada.field("Email address").inputValue(), "ada@acme.test");
  await logIn(ada);
  await (await ada.menu()).getByText("Acme Rockets").waitFor();
}
