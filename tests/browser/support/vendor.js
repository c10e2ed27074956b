// A vendor's server that requires a credential, sufficient for a connection test.
import { createServer } from "node:http";

export const CREDENTIAL = "sk-vendor-of-the-test-0123456789";
export const OFFERS = ["vendor-large", "vendor-small"];

export class Vendor {
  static async open() {
    const vendor = new Vendor();
    vendor.entry = createServer((request, response) => {
      const welcome = request.headers.authorization === `Bearer ${CREDENTIAL}`;
      const refusal = { error: { message: "Incorrect API key provided.", type: "invalid_request_error", code: "invalid_api_key" } };
      const offer = { object: "list", data: OFFERS.map((id) => ({ id, object: "model" })) };
      response.writeHead(welcome ? 200 : 401, { "content-type": "application/json" });
      response.end(JSON.stringify(welcome ? offer : refusal));
    });
    await new Promise((resolve) => vendor.entry.listen(0, "127.0.0.1", resolve));
    vendor.url = `http://127.0.0.1:${vendor.entry.address().port}/v1`;
    return vendor;
  }

  // An address on which nothing listens.
  static async nowhere() {
    const vendor = await Vendor.open();
    await vendor.close();
    return vendor.url;
  }

  async close() {
    this.entry.closeAllConnections();
    await new Promise((resolve) => this.entry.close(resolve));
  }
}
