import { sha1Hex } from "./digest.ts";
import type { ByteString } from "./redis-client.ts";
import type { ScriptText, Turned } from "./sender.ts";

/** The option `consumeFrom` with all that it needs: `leftEnd`. */
export type LeftEnd = (list: ByteString) => Turned;

/**
 * For the option `consumeFrom` where `"left"` alone does not bring it along: on Workers. What waits in the list is read
 * in a mirror: what everything else calls its right end is the left one. So each promise holds as it stands.
 */
export const leftEnd: LeftEnd = (list) => ({
  command(command) {
    const [name, key, ...others] = command;
    if (key !== list) return command;
    // The shared working list of the plain engine has the newest message at its left end either way.
    if (name === "RPOPLPUSH") return ["LMOVE", key, ...others, "LEFT", "LEFT"];
    const other = otherEnd[name];
    return other ? [other, key, ...others] : command;
  },
  script: (script, first) => (first === list ? turned(script) : script),
});

const otherEnd: Record<string, string> = { LPUSH: "RPUSH", RPUSH: "LPUSH" };

/** In front of a script whose first key is the list. It does not shadow more of `redis` than the scripts use. */
const mirrorLua = `local redis = (function(real)
  local list, otherEnd = KEYS[1], { LPUSH = 'RPUSH', RPUSH = 'LPUSH', RPOP = 'LPOP' }
  local function inMirror(send)
    return function(command, ...)
      local key, first, last = ...
      if key ~= list then return send(command, ...) end
      if command == 'LINDEX' then return send(command, key, -1 - first) end
      if command ~= 'LTRIM' and command ~= 'LRANGE' then return send(otherEnd[command] or command, ...) end
      local found = send(command, key, -1 - last, -1 - first)
      for at = 1, math.floor(#found / 2) do found[at], found[#found + 1 - at] = found[#found + 1 - at], found[at] end
      return found
    end
  end
  return { call = inMirror(real.call), pcall = inMirror(real.pcall), sha1hex = real.sha1hex }
end)(redis)
`;

const known = new Map<string, ScriptText>();

function turned({ source, sha }: ScriptText): ScriptText {
  const before = known.get(sha);
  if (before) return before;
  // A line of flags for the server stays the first one.
  const text = source.replace(/^(#!.*\n)?/, (flags) => flags + mirrorLua);
  const made = { source: text, sha: sha1Hex(text) };
  known.set(sha, made);
  return made;
}
