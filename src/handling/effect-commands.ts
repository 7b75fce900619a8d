/** Which words of a command are keys. */
type Keys = "first" | "two" | "all";

export interface EffectRule {
  /** Words of the command, its name included: exactly so many, or at least. */
  readonly count: number;
  readonly isExact: boolean;
  /** The type that Redis must find at the key at this place of the command; empty for any; undefined where no key stands. */
  typeAt(place: number): string | undefined;
}

/** By keys and by the type that these must have: `<command> <words>`, with a + for more. */
const table: Readonly<Record<Keys, Readonly<Record<string, string>>>> = {
  first: {
    string:
      "APPEND 3,BITFIELD 2+,DECR 2,DECRBY 3,GETDEL 2,GETEX 2+,GETSET 3,INCR 2,INCRBY 3,INCRBYFLOAT 3,PFADD 2+,SETBIT 4,SETRANGE 4",
    hash: "HDEL 3+,HINCRBY 4,HINCRBYFLOAT 4,HMSET 4+,HSET 4+,HSETNX 4",
    list: "LINSERT 5,LPOP 2+,LPUSH 3+,LPUSHX 3+,LREM 4,LSET 4,LTRIM 4,RPOP 2+,RPUSH 3+,RPUSHX 3+",
    set: "SADD 3+,SPOP 2+,SREM 3+",
    zset: "GEOADD 5+,ZADD 4+,ZINCRBY 4,ZPOPMAX 2+,ZPOPMIN 2+,ZREM 3+,ZREMRANGEBYLEX 4,ZREMRANGEBYRANK 4,ZREMRANGEBYSCORE 4",
    stream: "XACK 4+,XADD 5+,XDEL 3+,XTRIM 4+",
    "": "EXPIRE 3+,EXPIREAT 3+,PERSIST 2,PEXPIRE 3+,PEXPIREAT 3+,PSETEX 4,SET 3+,SETEX 4,SETNX 3",
  },
  two: { list: "LMOVE 5,RPOPLPUSH 3", set: "SMOVE 4", "": "RENAME 3,RENAMENX 3" },
  all: { string: "PFMERGE 2+", "": "DEL 2+,UNLINK 2+" },
};

const isKey: Readonly<Record<Keys, (place: number) => boolean>> = {
  first: (place) => place === 1,
  two: (place) => place === 1 || place === 2,
  all: (place) => place > 0,
};

/** Why a command is none that an effect may be; of all others it is enough that they are not in the table. */
const refusals: readonly (readonly [names: RegExp, reason: string])[] = [
  [/^(B[LRZ]?(POP|MPOP|MOVE|RPOPLPUSH)\w*|BRPOPLPUSH|WAIT\w*|XREAD\w*)$/, "which waits"],
  [/^(EVAL\w*|FCALL\w*|SCRIPT|FUNCTION)$/, "which runs a script"],
  [/^S?PUBLISH$/, "whose channel is no key of the list's slot"],
  [
    /^(AUTH|HELLO|SELECT|CLIENT|QUIT|RESET|MULTI|EXEC|DISCARD|U?N?WATCH|ASKING|READONLY|READWRITE|MONITOR|[PS]?(UN)?SUBSCRIBE)$/,
    "which changes the connection",
  ],
  [
    /^(ACL|BGREWRITEAOF|BGSAVE|CLUSTER|CONFIG|DEBUG|FAILOVER|FLUSHALL|FLUSHDB|LATENCY|MEMORY|MIGRATE|MODULE|PSYNC|REPLICAOF|SAVE|SHUTDOWN|SLAVEOF|SLOWLOG|SWAPDB|SYNC)$/,
    "which is about the server",
  ],
];

const rules = new Map<string, EffectRule>();

/** What is known of a command, its name in capital letters; undefined of one that no effect may be. */
export function effectRule(name: string): EffectRule | undefined {
  if (rules.size === 0) for (const [keys, types] of Object.entries(table)) addRules(keys as Keys, types);
  return rules.get(name);
}

/** Why not. */
export function refusalOf(name: string): string {
  return refusals.find(([names]) => names.test(name))?.[1] ?? "which is none of them";
}

function addRules(keys: Keys, types: Readonly<Record<string, string>>): void {
  for (const [type, commands] of Object.entries(types)) {
    for (const command of commands.split(",")) {
      const [name = "", words = ""] = command.split(" ");
      const typeAt = (place: number): string | undefined => (isKey[keys](place) ? type : undefined);
      rules.set(name, { count: Number.parseInt(words, 10), isExact: !words.endsWith("+"), typeAt });
    }
  }
}
