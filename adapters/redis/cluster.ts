import {
  ClosedError,
  type RedisClient,
  type RedisCommand,
  type RedisReply,
  RedisReplyError,
  type RedisRequestOptions,
  RedisTransportError,
} from "../../src/index.ts";
import { hashSlot, routingKey } from "./hash-slot.ts";
import { type NodeAddress, placeOf, redirectionIn, SlotMap } from "./slot-map.ts";
import { TcpClient, type TcpConnection } from "./tcp.ts";

/** What a package for Redis over TCP must do for a cluster. */
export interface ClusterDriver {
  readonly name: string;
  /** The nodes that are asked first about the cluster. */
  seeds(): Promise<readonly NodeAddress[]>;
  /** The address by which this process reaches a node, from the address that the cluster knows it by. */
  reach(address: NodeAddress): NodeAddress;
  /** A new connection to one node, as `TcpDriver.open`. */
  open(address: NodeAddress): Promise<TcpConnection>;
}

/** How often a command is sent on to another node. Reason: nodes that disagree send it to each other, and soon agree. */
const redirectionCountMax = 8;

/** A command under way. */
interface Errand {
  readonly at: number;
  readonly command: RedisCommand;
  readonly node: NodeAddress;
  readonly isAsking: boolean;
}

/**
 * A `RedisClient` over the nodes of a cluster. Each command goes to the master that has the slot of its key. A command without
 * keys goes to the same node as those beside it, or to the node of `near`. The client follows `MOVED` and `ASK`, which say that a
 * command did not run, and repeats nothing else. After a lost connection, the next request asks the cluster again which node has
 * which slot.
 */
export class ClusterClient implements RedisClient {
  readonly name: string;
  readonly #driver: ClusterDriver;
  readonly #requestTimeoutMs: number;
  readonly #slots = new SlotMap();
  readonly #clients = new Map<string, TcpClient>();
  #isStale = true;
  #learning: Promise<void> | undefined;
  #isClosed = false;

  constructor(driver: ClusterDriver, requestTimeoutMs: number) {
    this.name = driver.name;
    this.#driver = driver;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  async command(command: RedisCommand, options?: RedisRequestOptions): Promise<RedisReply> {
    const [reply] = await this.pipeline([command], options);
    if (reply instanceof RedisReplyError) throw reply;
    return reply as RedisReply;
  }

  async pipeline(
    commands: readonly RedisCommand[],
    options?: RedisRequestOptions,
  ): Promise<(RedisReply | RedisReplyError)[]> {
    await this.#learn(options);
    const near = options?.near ?? commands.map(routingKey).find((key) => key !== undefined);
    const replies: (RedisReply | RedisReplyError)[] = [];
    let errands = commands.map((command, at): Errand => {
      const node = this.#nodeOf(routingKey(command) ?? near);
      return { at, command, node, isAsking: false };
    });
    for (let sent = 0; errands.length > 0; sent++) {
      const onward: Errand[] = [];
      for (const [errand, reply] of await this.#sendAll(errands, options)) {
        const redirection =
          reply instanceof RedisReplyError
            ? redirectionIn(reply, errand.node, this.#driver.reach)
            : undefined;
        if (redirection?.kind === "MOVED") this.#slots.note(redirection);
        if (redirection && sent < redirectionCountMax) {
          onward.push({ ...errand, node: redirection.address, isAsking: redirection.kind === "ASK" });
        } else {
          replies[errand.at] = redirection ? stillMoving(redirection.slot) : reply;
        }
      }
      errands = onward.sort((one, other) => one.at - other.at);
    }
    return replies;
  }

  /** Where a slot has moved, the wait ends with `MOVED`, and the next one goes to the new node. */
  async block(
    command: RedisCommand,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<RedisReply> {
    await this.#learn();
    const node = this.#nodeOf(routingKey(command));
    try {
      return await this.#clientOf(node).block(command, options);
    } catch (error) {
      if (error instanceof RedisTransportError) this.#isStale = true;
      const redirection = error instanceof RedisReplyError && redirectionIn(error, node, this.#driver.reach);
      if (redirection && redirection.kind === "MOVED") this.#slots.note(redirection);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  /** Sends each node its own commands, in order, and to all nodes at once. */
  async #sendAll(
    errands: readonly Errand[],
    options: RedisRequestOptions | undefined,
  ): Promise<[Errand, RedisReply | RedisReplyError][]> {
    const groups = new Map<string, Errand[]>();
    for (const errand of errands) {
      const place = placeOf(errand.node);
      groups.set(place, [...(groups.get(place) ?? []), errand]);
    }
    const answered = await Promise.all([...groups.values()].map((group) => this.#sendGroup(group, options)));
    return answered.flat();
  }

  async #sendGroup(
    group: readonly Errand[],
    options: RedisRequestOptions | undefined,
  ): Promise<[Errand, RedisReply | RedisReplyError][]> {
    const [{ node }] = group as [Errand];
    const commands = group.flatMap(({ command, isAsking }): RedisCommand[] =>
      isAsking ? [["ASKING"], command] : [command],
    );
    try {
      const replies = await this.#clientOf(node).pipeline(commands, this.#timed(options));
      const own = replies.filter((_, at) => commands[at]?.[0] !== "ASKING");
      if (own.some(isClusterDown)) this.#isStale = true;
      return group.map((errand, at) => [errand, own[at] as RedisReply | RedisReplyError]);
    } catch (error) {
      this.#isStale = true;
      // This node was not reached, so its commands have not run, while those of other nodes have.
      if (error instanceof RedisReplyError) return group.map((errand) => [errand, error]);
      throw error;
    }
  }

  #timed(options: RedisRequestOptions | undefined): RedisRequestOptions {
    return { timeoutMs: options?.timeoutMs ?? this.#requestTimeoutMs };
  }

  /** The master that has a key's slot. Where none has it, any node is asked, which then says so. */
  #nodeOf(key: string | undefined): NodeAddress {
    const owner = key === undefined ? undefined : this.#slots.ownerOf(hashSlot(key));
    const node = owner ?? this.#slots.anyOwner();
    if (!node) throw new RedisReplyError("CLUSTERDOWN No node of the cluster has any slot.");
    return node;
  }

  #clientOf(node: NodeAddress): TcpClient {
    if (this.#isClosed) throw new ClosedError(`${this.name} client`);
    const place = placeOf(node);
    const { name } = this;
    const open = () =>
      this.#driver.open(node).catch((error: unknown) => {
        throw error instanceof RedisTransportError ? unreached(place, error) : error;
      });
    const client = this.#clients.get(place) ?? new TcpClient({ name, place, open }, this.#requestTimeoutMs);
    this.#clients.set(place, client);
    return client;
  }

  /** Asks the cluster which node has which slot, where that is not known, or no longer. */
  async #learn(options?: RedisRequestOptions): Promise<void> {
    if (this.#isClosed) throw new ClosedError(`${this.name} client`);
    if (this.#isStale) {
      this.#learning ??= this.#ask(options).finally(() => {
        this.#learning = undefined;
      });
    }
    await this.#learning;
  }

  /** Asks all nodes at once and takes the first answer. If it is out of date, a node answers `MOVED` later. */
  async #ask(options: RedisRequestOptions | undefined): Promise<void> {
    this.#isStale = false;
    const nodes = new Map(this.#slots.known);
    for (const seed of await this.#driver.seeds()) nodes.set(placeOf(seed), seed);
    const asked = [...nodes.values()].map(async (node) => {
      const reply = await this.#clientOf(node).command(["CLUSTER", "SLOTS"], this.#timed(options));
      if (Array.isArray(reply) && reply.length === 0) {
        throw new RedisReplyError("CLUSTERDOWN The node knows of no slot.");
      }
      return { node, reply };
    });
    try {
      const { node, reply } = await Promise.any(asked);
      this.#slots.read(reply, node, this.#driver.reach);
    } catch (error) {
      this.#isStale = true;
      throw whyUnknown(error);
    }
  }
}

function isClusterDown(reply: unknown): boolean {
  return reply instanceof RedisReplyError && reply.prefix === "CLUSTERDOWN";
}

/** With a prefix after which a request is repeated: the command did not run, and a replica may take over. */
function unreached(place: string, cause: RedisTransportError): RedisReplyError {
  return new RedisReplyError(`CLUSTERDOWN The node ${place} of the cluster was not reached.`, { cause });
}

function stillMoving(slot: number): RedisReplyError {
  return new RedisReplyError(`TRYAGAIN The nodes of the cluster do not agree who has slot ${slot}.`);
}

/** The error that a node answered; if none did, that none was reached. */
function whyUnknown(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error;
  const answered = error.errors.find(
    (one) => one instanceof RedisReplyError && !(one.cause instanceof RedisTransportError),
  );
  const [first] = error.errors;
  return answered ?? (first instanceof RedisReplyError ? (first.cause ?? first) : first);
}
