/**
 * Every bound that no option sets, with its reason. Each stands alone, so that bundlers put the number in its place and
 * leave out the rest: use them as `limits.<name>`, by `import * as limits`.
 */

/** After this many messages of expired leases a request recovers no other. Reason: a script blocks Redis. */
export const recoverCountMax = 1_000;
/** Expired leases that one request recovers. Reason: the same; each brings two keys. */
export const recoverLeasesMax = 100;
/** A lease that ends later than this, ms from now, was given by a clock that has stepped back: no drain asks for more. */
export const leaseMsMax = 86_400_000 + 60_000;
/** After so many bytes a script recovers and promotes no more, and looks at no more dead letters. Reason: the same. */
export const scriptBytesMax = 1_048_576;
/** Due delayed messages that one request promotes. Reason: the same. */
export const promoteCountMax = 1_000;
/** Longest delay of a retry, ms. Reason: a year is for ever to a list. */
export const delayMsMax = 31_536_000_000;
/** How far from now an `Overloaded` may hold the brake, ms. Reason: a moment in the wrong unit must not end a list's work. */
export const overloadMsMax = 86_400_000;
/** The last moment, epoch ms, where it is not known what time Redis has. Reason: a date has no later one. */
export const momentMsMax = 8_640_000_000_000_000;
/** How often the brake may hold a message back uncounted. Reason: none may be kept alive for ever. */
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
/** Different failures that a report names, the newest. Reason: a report is one log line. */
export const failureCountMax = 5;
/** Characters of each one's name and message. Reason: the same. */
export const failureCharsMax = 300;
/** Characters of a payload from which on a failure's text is searched for it. Reason: shorter ones are in any text. */
export const payloadCharsMin = 5;
/** Characters of a payload's beginning that are searched for too. Reason: texts are cut off, so not all of it may be there. */
export const payloadProbeChars = 32;
/** Elements of what a handler returned that are looked at. Reason: as many as a batch may have. */
export const verdictCountMax = 10_000;
/** How deep in it. Reason: who wraps verdicts wraps them once or twice. */
export const verdictDepthMax = 3;
/** Sendings of one request that may be repeated. Reason: with the waits below, about 1.6 s of trying. */
export const sendCountMax = 6;
/** Sendings of one request that a living server refuses for now. Reason: a Redis that loads its data takes seconds: about 30 s. */
export const refusedCountMax = 20;
/** What the waits between the sendings of one request may take together at most, ms. */
export const repeatWaitsMs = 60_000;
/** Longest wait before a request is sent again, ms. */
export const resendWaitMsMax = 2_000;
/** How often a drain asks again where others have taken what it was shown of the list. Reason: then they are at work. */
export const shownCountMax = 20;
/** Longest wait before it asks again, ms. Reason: whoever is quicker is done with it then. */
export const shownWaitMs = 50;
/** How long saying the keys of dead letters may take that are redriven, ms. Reason: none waits for ever. */
export const keysMsMax = 60_000;
/** Lists whose stats are asked at once. Reason: lists of tenants come by the thousand. */
export const statsCountMax = 50;
/** Characters of a message's key. Reason: what enters is bounded. */
export const keyCharsMax = 1_000;
/** First wait before a request is sent again, ms; each next one is twice as long. */
export const resendWaitMs = 50;
/** A request sent at or after the budget's end may take this long, ms. Reason: a late settle beats none. */
export const lastTimeoutMs = 1_000;
/** How long a lease outlives the moment its drain must have ended, ms. Reason: clocks and networks are a little late. */
export const leaseMarginMs = 5_000;
/** How long a quiet, lone drain goes without looking for leases of others, delayed messages, attempts and a pause, ms. */
export const quietMs = 800;
/** After how long without a word about a pause Redis is asked, ms. Reason: longer than `quietMs` by two quick batches. */
export const pauseMs = 1_000;
/** How long a slice of a run over several lists waits for listeners that are async, ms. */
export const toldMs = 500;
/** How long the plain engine may hold the right to recover, ms. Reason: longer than one request may take. */
export const recoveringMs = 30_000;
/** Messages claimed at once where no `batchSize` says otherwise: 0.09 commands a message. */
export const batchCount = 100;
/** What such batches may grow to. Reason: beyond it nothing is won, and a crash leaves more to run again. */
export const batchCountMax = 1_000;
/** How long a grown batch's handlers are to take, ms. Reason: long enough to hide a round trip behind. */
export const batchMs = 100;
/** Requests of `maxRequests` kept for the last settle, what of it must be repeated, and the continuation. */
export const requestsKept = 8;
/** Requests of `maxRequests` that repeating others leaves alone. Reason: one more settle, and the continuation. */
export const requestsUnrepeated = 2;
/** How long a chain waits at least when a whole budget went to failing messages, ms. Reason: it must not run at full cost. */
export const failedWaitMs = 1_000;
/** How long a continuation may take at least, even where the budget is spent, ms. */
export const continueMsMin = 500;
/** How long one sending of a hop may take at least, ms. */
export const invokeMsMin = 50;
/** Characters of a list's name in a hop. Reason: what a stranger sends is bounded where it enters. */
export const listCharsMax = 1_000;
/** Characters of a chain's id. Reason: the same. */
export const chainIdCharsMax = 200;
/** The longest that a hop may say a message takes, µs. Reason: no drain runs for longer than a day. */
export const paceUsMax = 86_400_000_000;
/**
 * How long the first batch of a run may show how quick its messages are before another is claimed blindly, ms. Reason: as
 * long as a batch of quick ones takes in a process that has just started.
 */
export const firstBatchMs = 20;
/** How long a drain waits for those that were started to live before it starts others, ms. Reason: they may have failed. */
export const waveMs = 1_000;
/** Chains that a list may have, or several together. Reason: as many as AWS runs for one function that reads SQS. */
export const chainsMax = 1_250;
/** Of several lists with work, so many are asked what they hold; the others count as these do. Reason: each is a command. */
export const listsCountedMax = 64;
/** The last hop of any chain; the next tick begins another. Reason: a chain of a hop each 30 ms is a year old then. */
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
/** Those that the first one reads. Reason: how large they are is not known yet. */
export const deadChunkCountFirst = 10;
/** Messages, or leases, that one look shows. Reason: a script blocks Redis, and its reply is held whole. */
export const peekCountMax = 1_000;
/** Bytes of one payload that a look shows. Reason: a look is no download. */
export const peekBytesMax = 65_536;
/** How long a working list that has no lease is left alone, ms. Reason: nothing of ours makes one, so someone may be at work by hand. */
export const adoptAfterMs = 60_000;
/** Keys that one step of the search for working lists without a lease looks at. Reason: SCAN blocks Redis for them. */
export const scanCount = 1_000;
/** Steps of that search in one `recover`. Reason: `recover` ends. */
export const scanStepsMax = 1_000;
/** How often a wait asks where its client cannot block, ms. Reason: each time is a request. */
export const askMs = 1_000;
/** How long a drain that was woken may take to begin before another is, ms. Reason: it may have died; two cost little. */
export const wakeMs = 1_000;
/** Lists of one pattern that a run looks at together. Reason: a command bears a few hundred keys. */
export const tenantCountMax = 100;
/** Pages of a register that are read for so many. Reason: where most names have gone, Redis answers pages with none. */
export const tenantPagesMax = 10;
/** How long a run works on those before it looks for others, ms. Reason: one that comes meanwhile shall not wait for all. */
export const tenantsMs = 5_000;
/** Characters of the name of such a list. Reason: it is a key. */
export const tenantCharsMax = 512;
/** Drains of such lists that a process keeps. Reason: they come and go, and a process may live long. */
export const tenantsKeptMax = 1_000;
/** Times that one claim by key looks for a line that may go on, 100 at a time. Reason: what may not is put off, by four commands each time. */
export const duePagesMax = 10;
/** Lines of keys that one command wakes where their limit was changed. Reason: Lua's and Redis' stacks bound arguments. */
export const wokenLinesMax = 1_000;
/** How many such commands there are at most. Reason: so many lines may there be. */
export const wokenPagesMax = 1_000;
