// The process is killed under load and restarted: sessions are still valid, and all answers are on record.
import assert from "node:assert/strict";
import { Organization } from "../support/organization.js";
import { logIn } from "../support/people.js";

const CALLERS = 4;

// Sends requests until stopped; keeps the ids of those that were answered completely.
class Traffic {
  constructor(acme) {
    Object.assign(this, { acme, answered: [], broken: 0, going: true });
    this.callers = Array.from({ length: CALLERS }, () => this.#call());
  }

  async #call() {
    while (this.going) {
      try {
        const answer = await this.acme.ask("large");
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        assert.equal(answer.body.model, "standby");
        this.answered.push(answer.headers.get("x-request-id"));
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        // No connection: the process is not running.
        this.broken += 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  // Waits until this many more requests were answered.
  async flows(more) {
    const wanted = this.answered.length + more;
    while (this.answered.length < wanted) {
      await Promise.race([...this.callers, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
  }

  async end() {
    this.going = false;
    await Promise.all(this.callers);
  }
}

export async function run({ visit, server }) {
  const acme = await Organization.make(server);
  await acme.catalog({ large: "sim/error-400", standby: "sim/steady" });
  await acme.fallback("large", ["standby"]);
  const ada = await visit();
  await logIn(ada);
  await ada.open("/events");

  const traffic = new Traffic(acme);
  await traffic.flows(10);
  await server.restart();
  await traffic.flows(10);
  await traffic.end();
  assert.ok(traffic.broken > 0, "the restart was under load");

  // The user is still signed in, the configuration is the same, and every answer has its failover.
  await ada.open("/events");
  await ada.page.getByRole("heading", { name: "Fallback events", exact: true }).waitFor();
  const chain = await acme.call("GET", "/fallback/large");
  assert.deepEqual(chain.body.fallback_models, ["standby"]);
  for (const id of traffic.answered) {
    const found = await acme.call("GET", `/v1/model-router/fallback-events?request_id=${id}`);
    const events = found.body.data ?? found.body.items;
    assert.equal(events?.length, 1, `${id}: ${JSON.stringify(found.body)}`);
  }
  const first = traffic.answered[0];
  await ada.open(`/events?request=${first}`);
  await ada.page.locator("#events").getByRole("link").first().click();
  await ada.sees("Request refused");
  await ada.follow("Open the request");
  await ada.sees("By fallback");
  assert.equal(ada.path(), `/requests/${first}`);
}
