// Enhances pages that work without JavaScript: nothing here is needed to read or change anything.

const every = (root, selector) => [...root.querySelectorAll(selector)];

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const local = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "long" });
const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [Infinity, "day", 86400]];

const ago = (moment) => {
  const seconds = Math.round((moment - Date.now()) / 1000);
  const [, unit, size] = STEPS.find(([limit]) => Math.abs(seconds) < limit);
  return relative.format(Math.round(seconds / size), unit);
};

/** Shows how long ago a UTC timestamp was, and the local time in its tooltip. */
customElements.define("local-time", class extends HTMLElement {
  connectedCallback() {
    const time = this.querySelector("time");
    const moment = new Date(time?.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    time.title = `${time.title}\n${local.format(moment)}`;
    const place = this.querySelector(".ago");
    if (!place) return;
    const say = () => { place.textContent = ago(moment); };
    say();
    this.timer = setInterval(say, 15_000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }
});

/** Copies the text of the figure, or of the element with the id in `from`. */
customElements.define("copy-button", class extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    const source = document.getElementById(this.getAttribute("from")) ?? this.closest("figure")?.querySelector("code");
    if (!button || !source || !navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const word = button.textContent;
      try {
        await navigator.clipboard.writeText(source.value ?? source.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(source);
        button.textContent = "Selected";
      }
      announce(button.textContent);
      setTimeout(() => { button.textContent = word; }, 2_000);
    });
  }
});

/** The key `/` leads to the search. */
document.addEventListener("keydown", (event) => {
  const field = document.getElementById("find");
  const typing = event.target.closest?.("input, select, textarea");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing || !field) return;
  event.preventDefault();
  if (!field.checkVisibility()) document.getElementById("menu").showPopover();
  field.focus();
});

/** Announces a text to screen readers. */
let voice;
const announce = (text) => {
  if (!voice) {
    voice = Object.assign(document.createElement("p"), { className: "said" });
    voice.setAttribute("role", "status");
    document.body.append(voice);
  }
  voice.textContent = "";
  requestAnimationFrame(() => { voice.textContent = text; });
};

/**
 * A reorderable list: by the items' buttons (`name="move"`, `value="up:...:N"` or `"down:...:N"`), by dragging, and with Alt
 * and the arrow keys. Each item has its value in a hidden field, so the order of the fields is the submitted order. An item may
 * show its position in `.place` and keep it in `input.position`.
 */
customElements.define("reorder-list", class extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector("ol, ul");
    if (!this.list) return;
    this.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      const item = event.target.closest("li");
      if (!event.altKey || !step || item?.parentElement !== this.list) return;
      event.preventDefault();
      this.move(item, step, event.target);
    });
    this.addEventListener("click", (event) => {
      const button = event.target.closest("button[name=move]");
      const item = button?.closest("li");
      if (item?.parentElement !== this.list) return;
      event.preventDefault();
      this.move(item, button.value.startsWith("up") ? -1 : 1, button);
    });
    this.addEventListener("dragstart", (event) => {
      this.dragged = event.target.closest?.("li");
      if (this.dragged?.parentElement !== this.list) { this.dragged = null; return; }
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", "");
      this.dragged.classList.add("dragged");
    });
    this.addEventListener("dragover", (event) => {
      const over = event.target.closest?.("li");
      if (!this.dragged || over?.parentElement !== this.list) return;
      event.preventDefault();
      if (over === this.dragged) return;
      const box = over.getBoundingClientRect();
      over[event.clientY < box.top + box.height / 2 ? "before" : "after"](this.dragged);
    });
    this.addEventListener("drop", (event) => { if (this.dragged) event.preventDefault(); });
    this.addEventListener("dragend", () => {
      if (!this.dragged) return;
      this.dragged.classList.remove("dragged");
      this.settle(this.dragged);
      this.dragged = null;
    });
    this.number();
  }

  move(item, step, focused) {
    const neighbor = step < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!neighbor) {
      announce(`${this.name(item)} is already ${step < 0 ? "first" : "last"}`);
      return;
    }
    neighbor[step < 0 ? "before" : "after"](item);
    this.settle(item);
    (focused.disabled ? item.querySelector("button[name=move]:not(:disabled)") : focused)?.focus();
  }

  settle(item) {
    this.number();
    const items = [...this.list.children];
    announce(`${this.name(item)}, position ${items.indexOf(item) + 1} of ${items.length}`);
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  name(item) {
    return item.dataset.name ?? "The item";
  }

  number() {
    const items = [...this.list.children];
    items.forEach((item, index) => {
      item.draggable = true;
      every(item, ".place").forEach((place) => { place.textContent = index + 1; });
      every(item, "input.position").forEach((place) => { place.value = index + 1; });
      every(item, "button[name=move]").forEach((button) => {
        const up = button.value.startsWith("up");
        button.value = button.value.replace(/\d+$/, index + 1);
        button.disabled = up ? index === 0 : index === items.length - 1;
      });
    });
  }
});

/**
 * When its form changes, or only its field called `of`, fetches the preview page without saving and replaces the elements with
 * ids that start with `parts`. What was typed into them stays.
 */
customElements.define("live-draft", class extends HTMLElement {
  connectedCallback() {
    const form = this.closest("form");
    form?.addEventListener("change", (event) => {
      const field = this.getAttribute("of");
      if (field ? event.target.name !== field : event.target.matches("select")) return;
      clearTimeout(this.wait);
      this.wait = setTimeout(() => this.look(form), 150);
    });
  }

  async look(form) {
    this.asked?.abort();
    this.asked = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.set("look", "1");
    try {
      const answer = await fetch(form.action, { method: "POST", body, signal: this.asked.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      every(document, `[id^="${this.getAttribute("parts")}"]`).forEach((part) => {
        const fresh = page.getElementById(part.id);
        if (!fresh) return;
        const focused = part.contains(document.activeElement) && document.activeElement.id;
        every(part, "input, textarea").forEach((field) => {
          const same = field.id && fresh.querySelector(`#${field.id}`);
          if (same) same.value = field.value;
        });
        part.replaceWith(fresh);
        if (focused) document.getElementById(focused)?.focus();
      });
    } catch {
      // The preview button still works.
    }
  }
});

/**
 * Adds new rows to the top of a list as they are recorded. `src` is a stream of server-sent events with a row as data and the
 * row's id as id; `into` is the id of the list, `after` the time of the page as an id. The stream may repeat rows: rows that are
 * already in the list are ignored.
 */
customElements.define("live-tail", class extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("button");
    this.state = this.querySelector(".tail-state");
    this.list = document.getElementById(this.getAttribute("into"));
    this.last = this.getAttribute("after");
    if (!this.button || !this.list || !window.EventSource) return;
    this.button.hidden = false;
    this.button.addEventListener("click", () => (this.source ? this.pause() : this.follow()));
  }

  disconnectedCallback() {
    this.source?.close();
  }

  follow() {
    const address = new URL(this.getAttribute("src"), location.href);
    if (this.last) address.searchParams.set("after", this.last);
    this.source = new EventSource(address);
    this.source.addEventListener("open", () => this.say(this.live(), true));
    this.source.addEventListener("error", () => {
      this.say("Connection lost, reconnecting", false);
      if (this.source?.readyState === EventSource.CLOSED) {
        this.source.close();
        this.retry = setTimeout(() => this.follow(), 3_000);
      }
    });
    // The stream ends regularly; the next one continues from the newest row.
    this.source.addEventListener("bye", () => {
      this.source.close();
      this.follow();
    });
    this.source.addEventListener("gap", () => { this.gap = true; });
    this.source.addEventListener("row", (event) => this.add(event.lastEventId, event.data));
    this.button.textContent = "Pause";
    if (!this.classList.contains("live")) this.say("Connecting", false);
  }

  pause() {
    clearTimeout(this.retry);
    this.source.close();
    this.source = null;
    this.button.textContent = "Follow live";
    this.say("Paused", false);
  }

  add(id, html) {
    this.last = id;
    if (document.getElementById(`row-${id}`)) return;
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const row = holder.content.firstElementChild;
    if (!row) return;
    row.classList.add("fresh");
    const table = this.list.closest("table");
    table?.removeAttribute("hidden");
    table?.parentElement.querySelector(".empty")?.remove();
    // Rows may be recorded late, so each is inserted by its time.
    const when = row.dataset.at;
    const older = [...this.list.children].find((other) => other.dataset.at <= when);
    if (older) older.before(row); else this.list.append(row);
    while (this.list.children.length > 200) this.list.lastElementChild.remove();
    this.count = (this.count ?? 0) + 1;
    this.say(this.live(), true);
  }

  live() {
    const gap = this.gap ? "; some before them are missing until the page is loaded again" : "";
    return this.count ? `Live, ${this.count} new${gap}` : "Live";
  }

  say(text, live) {
    this.classList.toggle("live", live);
    if (this.state) this.state.textContent = text;
  }
});

/** Parses the events of a fetched stream as `[name, data]`; the data is JSON. */
async function* told(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [, name, data] = event.match(/^event: (\w+)\ndata: (.*)$/) ?? [];
      if (name) yield [name, JSON.parse(data)];
    }
  }
}

/**
 * Sends its form to `src` and shows the streamed answer in a copy of the template `as` within `into`. At the end, the result's
 * HTML replaces it. If the form is refused or the response does not stream, the form is submitted normally.
 */
customElements.define("live-answer", class extends HTMLElement {
  connectedCallback() {
    const form = this.closest("form");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.control?.abort();
      this.ask(form);
    });
  }

  async ask(form) {
    const control = this.control = new AbortController();
    const place = document.getElementById(this.getAttribute("into"));
    place.replaceChildren(document.getElementById(this.getAttribute("as")).content.cloneNode(true));
    const [state, ways, stop, figure] = [".story", ".ways", "button", "figure"].map((one) => place.querySelector(one));
    const code = figure.querySelector("code");
    const end = (text) => {
      state.textContent = text;
      stop.remove();
    };
    stop.addEventListener("click", () => control.abort());
    place.scrollIntoView({ block: "nearest" });
    const hear = {
      asked: (path) => { ways.firstElementChild.href = path; },
      began: (text) => { state.textContent = text; },
      piece: (text) => { figure.hidden = false; code.append(text); },
      done: (html) => {
        const holder = document.createElement("template");
        holder.innerHTML = html;
        for (const part of [...holder.content.children]) document.getElementById(part.id)?.replaceWith(part);
      },
    };
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(this.getAttribute("src"), { method: "POST", body, signal: control.signal });
      if (!answer.ok || !answer.headers.get("content-type").startsWith("text/event-stream")) return form.submit();
      for await (const [name, data] of told(answer.body)) hear[name]?.(data);
      if (stop.isConnected) end("The answer ended early. What arrived is shown below.");
    } catch {
      if (this.control !== control) return;
      ways.hidden = !ways.firstElementChild.pathname.startsWith("/requests/");
      end(control.signal.aborted ? "Stopped. What arrived is shown below." : "The connection was lost. What arrived is shown below.");
    }
  }
});
