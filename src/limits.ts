/**
 * Every bound that no option sets, with its reason. Each is a constant of its own, so that bundlers inline it and leave out
 * the others: use them as `limits.<name>`, by `import * as limits`.
 */

/** Once a request has recovered this many messages, it recovers no further expired lease. Reason: a script blocks Redis. */
export const recoverCountMax = 1_000;
/** Expired leases that one request recovers. Reason: the same; each brings two keys. */
export const recoverLeasesMax = 100;
/** No drain asks for a longer lease, ms. One that ends later than this from now was given before Redis' clock stepped back. */
export const leaseMsMax = 86_400_000 + 60_000;
/** After this many bytes a script stops recovering, promoting, and reading dead letters. Reason: the same. */
export const scriptBytesMax = 1_048_576;
/** Due delayed messages that one request promotes. Reason: the same. */
export const promoteCountMax = 1_000;
/** Longest delay of a retry, ms. Reason: no one waits for a message longer than a year. */
export const delayMsMax = 31_536_000_000;
/** How far from now an `Overloaded` may hold the brake, ms. Reason: a time in the wrong unit must not stop a list for good. */
export const overloadMsMax = 86_400_000;
/** The latest time that is accepted, epoch ms, where Redis' clock is not known. Reason: a JavaScript date has no later one. */
export const momentMsMax = 8_640_000_000_000_000;
/** How often the brake may hold a message back without counting an attempt. Reason: no message may be tried for ever. */
export const heldCountMax = 100;
/** Characters of a dead letter's reason, error name and message. Reason: a dead letter is no log. */
export const reasonCharsMax = 1_000;
/** Characters of a dead letter's stack. Reason: the same. */
export const stackCharsMax = 4_000;
/** Characters that the texts of one batch's dead letters share. Reason: Upstash takes requests of 1 MB on every plan. */
export const deadCharsOfBatchMax = 500_000;
/** Issues of a schema that a dead letter keeps. */
export const issueCountMax = 20;
/** Characters of an issue's path and message. */
export const issueCharsMax = 300;
/** How many different failures a report names: the newest ones. Reason: a report is one log line. */
export const failureCountMax = 5;
/** Characters of each one's name and message. Reason: the same. */
export const failureCharsMax = 300;
/** A failure's text is searched for the payload where that has at least this many characters. Reason: any text contains shorter ones. */
export const payloadCharsMin = 5;
/** This many characters of a payload's beginning are searched for too. Reason: a text may quote it cut off. */
export const payloadProbeChars = 32;
/** Elements of what a handler returned that are looked at. Reason: as many as a batch may have. */
export const verdictCountMax = 10_000;
/** How deep in it they are looked for. Reason: verdicts are wrapped once or twice. */
export const verdictDepthMax = 3;
/** How often one request is sent, the first time included, where it may be repeated. Reason: with the waits below, about 1.6 s. */
export const sendCountMax = 6;
/** How often one is sent that the server refuses for now. Reason: a Redis that loads its data takes seconds; these are about 30 s. */
export const refusedCountMax = 20;
/** The waits between the sendings of one request may together take this long, ms. */
export const repeatWaitsMs = 60_000;
/** Longest wait before a request is sent again, ms. */
export const resendWaitMsMax = 2_000;
/** How often a drain asks again where others took the messages that it was shown. Reason: then the others are at work. */
export const shownCountMax = 20;
/** Longest wait before it asks again, ms. Reason: by then the quicker drain has claimed them. */
export const shownWaitMs = 50;
/** How long `keyOf` may take for the dead letters that are redriven, ms. Reason: no wait is endless. */
export const keysMsMax = 60_000;
/** Lists whose stats are asked at once. Reason: lists of tenants come by the thousand. */
export const statsCountMax = 50;
/** Characters of a message's key. Reason: everything from outside is bounded. */
export const keyCharsMax = 1_000;
/** First wait before a request is sent again, ms. Each further wait is twice as long. */
export const resendWaitMs = 50;
/** A request sent at or after the budget's end may take this long, ms. Reason: a late settle beats none. */
export const lastTimeoutMs = 1_000;
/** How much later than its drain a lease ends, ms. Reason: clocks and networks are a little late. */
export const leaseMarginMs = 5_000;
/** How long a drain that is alone and has found nothing goes without looking for other leases, delayed messages, attempts and a pause, ms. */
export const quietMs = 800;
/** After this long without news of a pause, Redis is asked, ms. Reason: longer than `quietMs` by two quick batches. */
export const pauseMs = 1_000;
/** How long a slice of a run over several lists waits for listeners that are async, ms. */
export const toldMs = 500;
/** How long the plain engine may hold the right to recover, ms. Reason: longer than one request may take. */
export const recoveringMs = 30_000;
/** Messages claimed at once where no `batchSize` says otherwise: 0.09 commands a message. */
export const batchCount = 100;
/** The size that such batches may grow to. Reason: larger ones win nothing, and after a crash more messages run again. */
export const batchCountMax = 1_000;
/** How long a grown batch's handlers are to take, ms. Reason: long enough to hide a round trip behind. */
export const batchMs = 100;
/** Requests of `maxRequests` that are kept for the last settle, for repeating it, and for the continuation. */
export const requestsKept = 8;
/** Requests of `maxRequests` that are never spent on repeating others. Reason: one more settle, and the continuation. */
export const requestsUnrepeated = 2;
/** Shortest wait of a chain after a run in which every message failed, ms. Reason: it must not run at full cost. */
export const failedWaitMs = 1_000;
/** A continuation always gets at least this long, even where the budget is spent, ms. */
export const continueMsMin = 500;
/** One sending of a hop always gets at least this long, ms. */
export const invokeMsMin = 50;
/** Characters of a list's name in a hop. Reason: what a stranger sends is bounded where it enters. */
export const listCharsMax = 1_000;
/** Characters of a chain's id. Reason: the same. */
export const chainIdCharsMax = 200;
/** The longest that a hop may say a message takes, µs. Reason: no drain runs for longer than a day. */
export const paceUsMax = 86_400_000_000;
/**
 * How long a run waits for its first batch to show how quick its messages are, before it claims another, ms. Reason: in a
 * process that has just started, a batch of quick ones takes this long.
 */
export const firstBatchMs = 20;
/** How long a drain waits for the drains that were started to appear before it starts others, ms. Reason: they may have failed. */
export const waveMs = 1_000;
/** Chains that a list, or several lists together, may have. Reason: as many as AWS runs for one function that reads SQS. */
export const chainsMax = 1_250;
/** How many of several lists with work are asked how much they hold; the others are taken to hold as much. Reason: each costs a command. */
export const listsCountedMax = 64;
/** The last hop of any chain; the next tick begins another. Reason: with a hop every 30 ms, that is a year. */
export const hopMax = 1_000_000_000;
/** Effects of one message. Reason: a script blocks Redis. */
export const effectCountMax = 100;
/** Words of one effect. Reason: Lua's stack bounds the arguments of a call. */
export const effectWordsMax = 4_000;
/** Bytes of one message's effects, with 16 for each word and 64 for each command. Reason: Upstash takes requests of 1 MB on every plan. */
export const effectBytesMax = 524_288;
/** Payloads a `push` sends in one command. Reason: Upstash takes requests up to 10 MB. */
export const pushCountMax = 1_000;
/** Bytes of payload a `push` sends in one command, before base64 or JSON escapes. Reason: the same. */
export const pushBytesMax = 4 * 1024 * 1024;
/** Characters of an id that `push` remembers. Reason: it is a key. */
export const pushIdCharsMax = 512;
/** Dead letters that one request reads, redrives or purges. Reason: a script blocks Redis. */
export const deadChunkCount = 100;
/** How many the first request reads. Reason: it is not known yet how large they are. */
export const deadChunkCountFirst = 10;
/** Messages, or leases, that one look shows. Reason: a script blocks Redis, and its reply is held whole. */
export const peekCountMax = 1_000;
/** Bytes of one payload that a look shows. Reason: it is a look, not a download. */
export const peekBytesMax = 65_536;
/** How long a working list without a lease is left alone, ms. Reason: Spillway makes none, so someone may be working by hand. */
export const adoptAfterMs = 60_000;
/** Keys that one step of the search for such working lists looks at. Reason: SCAN blocks Redis meanwhile. */
export const scanCount = 1_000;
/** Steps of that search in one `recover`. Reason: `recover` must end. */
export const scanStepsMax = 1_000;
/** How often a wait asks Redis where the client cannot block, ms. Reason: each time costs a request. */
export const askMs = 1_000;
/** How long a woken drain may take to begin before another is woken, ms. Reason: it may have died, and two cost little. */
export const wakeMs = 1_000;
/** Lists of one pattern that a run looks at together. Reason: a command bears a few hundred keys. */
export const tenantCountMax = 100;
/** Pages of a register that are read for so many. Reason: where most names have gone, Redis answers pages with none. */
export const tenantPagesMax = 10;
/** How long a run works on those before it looks for others, ms. Reason: a list that is filled meanwhile must not wait for all of them. */
export const tenantsMs = 5_000;
/** Characters of the name of such a list. Reason: it is a key. */
export const tenantCharsMax = 512;
/** Drains of such lists that a process keeps. Reason: they come and go, and a process may live long. */
export const tenantsKeptMax = 1_000;
/** How often one claim by key looks for keys whose line may go on, 100 at a time. Reason: those that may not are put off, four commands each time. */
export const duePagesMax = 10;
/** Lines of keys that one command wakes where their limit was changed. Reason: Lua's and Redis' stacks bound arguments. */
export const wokenLinesMax = 1_000;
/** How many such commands are sent at most. Reason: there may be this many thousand lines. */
export const wokenPagesMax = 1_000;
