import { type RedisReply, RedisReplyError, toText } from "../../src/index.ts";
import type { JsonText } from "./json-text.ts";

/** A reply, or the error in its place, as the JSON text of the answer: strings in base64 where asked for, as text otherwise. */
export function encodeItem(reply: RedisReply | RedisReplyError, isBase64: boolean, json: JsonText): void {
  if (reply instanceof RedisReplyError) encodeError(reply, json);
  else {
    json.add('{"result":');
    // Upstash does not encode this one, and its client expects that; in an array, the client takes it for base64.
    if (reply === "OK") json.add('"OK"');
    else encodeReply(reply, isBase64, json);
    json.add("}");
  }
}

function encodeError(error: RedisReplyError, json: JsonText): void {
  json.add(JSON.stringify({ error: toText(error.serverText) }));
}

function encodeReply(reply: RedisReply | RedisReplyError, isBase64: boolean, json: JsonText): void {
  if (Array.isArray(reply)) {
    json.add("[");
    for (const [at, entry] of reply.entries()) {
      if (at > 0) json.add(",");
      encodeReply(entry, isBase64, json);
    }
    json.add("]");
    // A script may put an error into an array.
  } else if (reply instanceof RedisReplyError) encodeError(reply, json);
  else if (typeof reply !== "string") json.add(JSON.stringify(reply));
  else if (!isBase64) json.add(JSON.stringify(toText(reply)));
  else {
    json.add('"');
    json.add(btoa(reply));
    json.add('"');
  }
}
