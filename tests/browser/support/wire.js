// A TCP proxy to the server that can be cut like a network: it forwards bytes, or drops everything.
import { connect, createServer } from "node:net";

export class Wire {
  static async lay(server) {
    const wire = Object.assign(new Wire(), { open: true, sockets: new Set() });
    const [host, port] = server.address.split(":");
    wire.entry = createServer((near) => {
      if (!wire.open) return near.destroy();
      const far = connect(Number(port), host);
      for (const [one, other] of [[near, far], [far, near]]) {
        wire.sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          wire.sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    await new Promise((resolve) => wire.entry.listen(0, "127.0.0.1", resolve));
    wire.url = `http://127.0.0.1:${wire.entry.address().port}`;
    return wire;
  }

  cut() {
    this.open = false;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.open = true;
  }

  async remove() {
    this.cut();
    await new Promise((resolve) => this.entry.close(resolve));
  }
}
