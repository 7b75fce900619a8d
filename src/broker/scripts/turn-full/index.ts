import { brakeLua } from "../turn/brake.ts";
import { busyMarkLua } from "../turn/busy-mark.ts";
import { claimLua } from "../turn/claim.ts";
import { codesLua } from "../turn/codes.ts";
import { commandsLua } from "../turn/commands.ts";
import { companyLua } from "../turn/company.ts";
import { controlLua } from "../turn/control.ts";
import { deadLettersLua } from "../turn/dead-letters.ts";
import { historyLua } from "../turn/history.ts";
import { leasesLua } from "../turn/leases.ts";
import { popLua } from "../turn/pop.ts";
import { promoteLua } from "../turn/promote.ts";
import { recoverLua } from "../turn/recover.ts";
import { makeReturnLua, replyLua } from "../turn/reply.ts";
import { makeRequestLua } from "../turn/request.ts";
import { runLua } from "../turn/run.ts";
import { makeSettleLua } from "../turn/settle.ts";
import { timeLua } from "../turn/time.ts";
import { waitingLua } from "../turn/waiting.ts";
import { effectsLua, effectsRequest, effectsSettle } from "./effects.ts";

/**
 * The turn script with the parts that only some drains need. `../turn/index.ts` is the protocol's reference; this header says
 * only what is added.
 *
 * KEYS  after all others, the keys of the effects, each once. All share the list's slot
 *
 * ARGV
 *   4  outcomes  + only where no message has effects
 *  16  policy    two numbers more: effectKeyCount (keys of effects at the end of KEYS), effectCount (messages with effects)
 *      effects   after the details, for each message with effects (its outcome is a or c): `effects.ts` says how
 *
 * Returns
 *  19  refused   the effects that Redis refused: for each refusal the places of the messages, from 1, joined by commas;
 *                on the next line `<command> <key> (<first word of the error>)`; then the error. Those messages have failed (f, x)
 *
 * Cost
 *   A quiet turn of messages whose effects are pushes to one list: LLEN LTRIM LPUSH more. Other effects cost themselves and, for
 *   messages with several, a TYPE for each key whose type is not known yet. A refused one costs what a failure does, and HSET PTTL
 *   PEXPIRE: the outcomes of the batch stay in its done-markers' hash, for a repeated request, until its lease or that of the
 *   batch claimed with it would have ended.
 *
 * Invariant
 *   Effects run after the fence and before anything else is written. The fence: the working list holds as many messages as the
 *   request has outcomes, which is never so after a settle. That the messages can be removed then is tried before.
 */
export const turnFullScript: string = [
  codesLua,
  makeRequestLua(effectsRequest),
  commandsLua,
  timeLua,
  replyLua,
  historyLua,
  waitingLua,
  deadLettersLua,
  brakeLua,
  effectsLua,
  makeSettleLua(effectsSettle),
  popLua,
  recoverLua,
  promoteLua,
  companyLua,
  controlLua,
  claimLua,
  leasesLua,
  busyMarkLua,
  runLua,
  makeReturnLua(", refused"),
]
  .join("")
  .trim();

/** The same script, for a server at `maxmemory`. */
export const turnFullScriptWhenFull: string = `#!lua flags=allow-oom\n${turnFullScript}`;
