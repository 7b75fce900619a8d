import {
  type ByteString,
  RedisProtocolError,
  type RedisReply,
  type RedisReplyError,
  toText,
} from "../../src/index.ts";
import { slotCount } from "./hash-slot.ts";

/** Where a node of a cluster is reached. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** The addresses by which nodes are reached, by the `host:port` that the cluster knows them by. */
export type AddressMap =
  | Readonly<Record<string, NodeAddress>>
  | ((place: string) => NodeAddress | null | undefined);

/** The same as a function. */
export function reachBy(map: AddressMap | undefined): (address: NodeAddress) => NodeAddress {
  return (address) => {
    const place = placeOf(address);
    return (typeof map === "function" ? map(place) : map?.[place]) ?? address;
  };
}

/** The node to which a command is sent on: for good (`MOVED`), or this once (`ASK`). */
export interface Redirection {
  readonly kind: "MOVED" | "ASK";
  readonly slot: number;
  readonly address: NodeAddress;
}

/** Which node has which slot, as far as that is known. */
export class SlotMap {
  readonly #owners = new Array<NodeAddress | undefined>(slotCount);
  /** Every node that was ever named, replicas too. If the others are gone, one of them knows where the slots went. */
  readonly known = new Map<string, NodeAddress>();

  ownerOf(slot: number): NodeAddress | undefined {
    return this.#owners[slot];
  }

  /** Any node that has slots. */
  anyOwner(): NodeAddress | undefined {
    return this.#owners.find((owner) => owner !== undefined);
  }

  note({ slot, address }: Redirection): void {
    this.#owners[slot] = address;
    this.known.set(placeOf(address), address);
  }

  /**
   * Reads what `CLUSTER SLOTS` answered. `asked`: the node that was asked, since a node may name itself by its port alone.
   * `reach`: maps the addresses that the cluster knows to those by which nodes are reached.
   */
  read(reply: RedisReply, asked: NodeAddress, reach: (address: NodeAddress) => NodeAddress): void {
    if (!Array.isArray(reply)) throw unreadable();
    const owners = new Array<NodeAddress | undefined>(slotCount);
    for (const range of reply) {
      if (!Array.isArray(range)) throw unreadable();
      const [first, last, ...nodes] = range;
      const [owner] = nodes.map((node) => {
        const [host, port] = Array.isArray(node) ? node : [];
        if (typeof port !== "number") throw unreadable();
        const address = reach({ host: hostIn(host as ByteString | null | undefined, asked), port });
        this.known.set(placeOf(address), address);
        return address;
      });
      if (typeof first !== "number" || typeof last !== "number" || !owner) throw unreadable();
      owners.fill(owner, first, last + 1);
    }
    for (const [slot, owner] of owners.entries()) this.#owners[slot] = owner;
  }
}

export function placeOf({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}

/** The node to which an error of `asked` sends a command on; undefined for any other error. */
export function redirectionIn(
  error: RedisReplyError,
  asked: NodeAddress,
  reach: (address: NodeAddress) => NodeAddress,
): Redirection | undefined {
  const [, kind, slot, host, port] = /^(MOVED|ASK) (\d{1,5}) (.*):(\d{1,5})$/.exec(error.serverText) ?? [];
  if (!kind || Number(slot) >= slotCount) return undefined;
  const address = reach({ host: hostIn(host, asked), port: Number(port) });
  return { kind: kind as Redirection["kind"], slot: Number(slot), address };
}

/** The host in a reply. A node that does not know its own address leaves it out, or says `?`. */
function hostIn(host: ByteString | null | undefined, asked: NodeAddress): string {
  return host && host !== "?" ? toText(host) : asked.host;
}

function unreadable(): RedisProtocolError {
  return new RedisProtocolError("CLUSTER SLOTS must answer as a Redis Cluster does. Is the server one?");
}
