import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy on a free port that can go silent, as a network does whose far end is gone without a word. */
export interface TcpProxy {
  readonly port: number;
  /** Connections it has taken. */
  readonly count: number;
  /** From now on nothing passes on the connections there are; new ones work. */
  silence(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const pairs: [Socket, Socket][] = [];
  let count = 0;
  const server = createServer((near) => {
    count += 1;
    const far = connect(targetPort, "127.0.0.1");
    pairs.push([near, far]);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get count() {
      return count;
    },
    silence() {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
      }
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
