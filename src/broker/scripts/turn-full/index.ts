import { brakeLua } from "../turn/brake.ts";
import { busyMarkLua } from "../turn/busy-mark.ts";
import { claimLua } from "../turn/claim.ts";
import { fullCodesLua } from "../turn/codes.ts";
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
 * The turn script with the parts that only some drains need. `../turn/index.ts` is the protocol's reference; here stands
 * what is more.
 *
 * KEYS  after all others, the keys of the effects, each once. All share the list's slot
 *
 * ARGV
 *  16  policy    two numbers more: effectKeyCount (keys of effects at the end of KEYS), placeOffset (where an earlier settle
 *                kept these messages: how many the batch had then, so that no two dead letters have one name; else 0)
 *  17… details   of e and E, the commands of the effects: `effects.ts` says how
 *
 * Returns
 *  19  refused   what Redis refused of the effects: of each refusal `<bytes>:<places, from 1, joined by commas> <command>
 *                <key>`, and on the next line the error. Those messages are kept (k). Empty where there is none
 *
 * While messages are kept for that, attempts has a field `<batch id>:refused` with the same text, for a request that is
 * sent again.
 *
 * Cost
 *   A quiet turn of messages whose effects are pushes to one list: LLEN LTRIM LPUSH more. Other effects cost themselves and,
 *   of messages with several, a TYPE for each key whose type is not known yet.
 *
 * Invariant
 *   Effects run after the fence (the working list holds as many messages as the request has outcomes, which no settle leaves
 *   so) and before anything else is written. Whether the messages may go then is tried before.
 */
export const turnFullScript: string = [
  fullCodesLua,
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
