/** A TCP proxy that holds each chunk for half of a round trip, either way. Usage: proxy.ts <target port> <round trip, ms> */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

const [, , targetPort, roundTripMs] = process.argv;
const halfMs = Number(roundTripMs) / 2;

/** Chunks stay in order, and each waits only for its own delay: the connection is slow to answer, and not narrow. */
function pass(from: Socket, to: Socket): void {
  from.on("data", (chunk) => setTimeout(() => to.writable && to.write(chunk), halfMs));
  from.on("close", () => setTimeout(() => to.destroy(), halfMs));
  from.on("error", () => undefined);
}

const server = createServer({ noDelay: true }, (client) => {
  const target = connect({ port: Number(targetPort), host: "127.0.0.1", noDelay: true });
  pass(client, target);
  pass(target, client);
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
