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

/** Where nodes are reached that the cluster knows by addresses of its own, by `host:port`. */
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

/** Where a command was sent on to: for good (`MOVED`), or this once (`ASK`). */
export interface Redirection {
  readonly kind: "MOVED" | "ASK";
  readonly slot: number;
  readonly address: NodeAddress;
}

/** Which node has which slot, as far as is known. */
export class SlotMap {
  readonly #owners = new Array<NodeAddress | undefined>(slotCount);
  /** Every node that was ever named, replicas too: one of them knows what has become of the others. */
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
   * Takes what `CLUSTER SLOTS` answered. `asked` is who was asked: a node may name itself by its port alone. `reach` says
   * where a node is reached that the cluster knows by an address of its own.
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

/** Where an error of `asked` sends a command on to; undefined for any other error. */
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

/** A node that does not know by which name it is reached leaves it out, or says `?`. */
function hostIn(host: ByteString | null | undefined, asked: NodeAddress): string {
  return host && host !== "?" ? toText(host) : asked.host;
}

function unreadable(): RedisProtocolError {
  return new RedisProtocolError("CLUSTER SLOTS had another answer than a Redis Cluster gives.");
}
