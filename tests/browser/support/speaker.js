// A provider that sends what a test dictates, when the test says so: as a stream if requested, else complete.
import { createServer } from "node:http";

export class Speaker {
  static async open() {
    const speaker = Object.assign(new Speaker(), { calls: [] });
    speaker.entry = createServer(async (request, response) => {
      let text = "";
      for await (const piece of request) text += piece;
      if (JSON.parse(text || "{}").stream) speaker.#streams(response);
      else speaker.#answers(response);
    });
    await new Promise((resolve) => speaker.entry.listen(0, "127.0.0.1", resolve));
    speaker.url = `http://127.0.0.1:${speaker.entry.address().port}/v1`;
    return speaker;
  }

  #answers(response) {
    const message = { role: "assistant", content: "One two three" };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m", choices: [{ index: 0, message, finish_reason: "stop" }] }));
  }

  // `calls` gets {say, end, gone}: `gone` resolves when the gateway disconnects.
  #streams(response) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (delta, reason = null) => {
      const choices = [{ index: 0, delta, finish_reason: reason }];
      response.write(`data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices })}\n\n`);
    };
    this.calls.push({
      say: (content) => send({ content }),
      end: () => {
        send({}, "stop");
        response.end("data: [DONE]\n\n");
      },
      gone: new Promise((resolve) => response.once("close", resolve)),
    });
  }

  // The call with this number, as soon as it arrives.
  async call(number) {
    while (this.calls.length <= number) await new Promise((resolve) => setTimeout(resolve, 20));
    return this.calls[number];
  }

  async close() {
    this.entry.closeAllConnections();
    await new Promise((resolve) => this.entry.close(resolve));
  }
}
