// The editor of a model's fallbacks, as a person uses it.
import assert from "node:assert/strict";

export class Editor {
  // `list`: its title, such as "General".
  constructor(visit, list = "General") {
    Object.assign(this, { visit, list });
    this.items = visit.page.getByRole("list", { name: `${list}, in order` }).getByRole("listitem");
  }

  item(name) {
    return this.items.filter({ has: this.visit.page.getByText(name, { exact: true }) });
  }

  async order() {
    return this.items.evaluateAll((items) => items.map((item) => item.dataset.name));
  }

  // Without JavaScript each press loads a new page, so wait for the new order.
  async shows(...expected) {
    const end = Date.now() + 10_000;
    let order = await this.order().catch(() => []);
    while (order.join() !== expected.join() && Date.now() < end) {
      await this.visit.page.evaluate(() => new Promise(requestAnimationFrame)).catch(() => {});
      order = await this.order().catch(() => []);
    }
    assert.deepEqual(order, expected);
  }

  async add(name) {
    await this.visit.field(`Add to ${this.list}`).selectOption(name);
    await this.visit.press(`Add to ${this.list}`);
    await this.item(name).waitFor();
  }

  async place(name, position) {
    await this.visit.field(`Position of ${name} in ${this.list}`).fill(String(position));
    await this.visit.press("Preview the chain");
  }

  // Two separate checks: the request is sent, and the result is announced.
  async save() {
    const { page } = this.visit;
    // A preview that the script fetches may still be under way; only the form itself navigates.
    const isForm = (request) => request.method() === "POST" && request.isNavigationRequest();
    const sent = page.waitForResponse((response) => isForm(response.request()));
    await this.visit.press("Save");
    assert.equal((await sent).status(), 303);
    await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();
  }
}
