// An organization that already exists when a journey begins: an owner with a password, a key with all scopes, and
// simulated models. Journeys about creating these create them in the browser.
import assert from "node:assert/strict";
import { PASSWORD } from "./people.js";

export const MESSAGES = [{ role: "user", content: "Are you there?" }];

export class Organization {
  static async make(server, name = "Acme Rockets", email = "ada@acme.test") {
    const words = ["org", "create", "--name", name, "--email", email, "--password-stdin", "--json"];
    const made = JSON.parse(await server.command(words, `${PASSWORD}\n`));
    const organization = Object.assign(new Organization(), { server, name, email, id: made.organization_id, key: made.api_key });
    await organization.#known();
    return organization;
  }

  // Created by another process: the server notices it within two seconds.
  async #known() {
    const end = Date.now() + 30_000;
    while ((await this.call("GET", "/v1/identity/whoami")).status !== 200) {
      assert.ok(Date.now() < end, `the server does not know ${this.name}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  // `key`: a key other than the organization's first. A body that is not JSON is returned as text.
  async call(method, path, body, headers = {}, key = this.key) {
    const response = await fetch(this.server.url + path, {
      method,
      headers: { "x-api-key": key, "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    let json = text;
    try {
      json = JSON.parse(text);
    } catch {
      // A stream, or a page.
    }
    return { status: response.status, headers: response.headers, body: json };
  }

  async create(path, body) {
    const answer = await this.call("POST", path, body);
    assert.ok(answer.status === 200 || answer.status === 201, `${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body.data ?? answer.body;
  }

  // `models`: catalog name -> the simulated model behind it, or fields of the model's body.
  async catalog(models) {
    this.provider ??= await this.create("/v1/model-router/providers", { name: "simulated", preset: "simulated" });
    const made = {};
    for (const [name, said] of Object.entries(models)) {
      const more = typeof said === "string" ? { upstream_model: said } : said;
      made[name] = await this.create("/v1/model-router/models", { name, provider_id: this.provider.id, num_retries: 0, ...more });
    }
    return made;
  }

  fallback(model, fallbackModels, type = "general") {
    return this.create("/fallback", { model, fallback_models: fallbackModels, fallback_type: type });
  }

  // `drill`: model -> the class with which it fails on purpose.
  ask(model, { drill = {}, headers = {}, key, ...more } = {}) {
    const drills = Object.entries(drill).map(([name, reason]) => `${name}=${reason}`);
    const asked = { model, messages: MESSAGES, ...more };
    const all = { ...(drills.length > 0 && { "x-failsoft-drill": drills.join(", ") }), ...headers };
    return this.call("POST", "/v1/chat/completions", asked, all, key);
  }
}
