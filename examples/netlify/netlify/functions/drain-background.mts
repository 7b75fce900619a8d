import { fetchHandler } from "spillway/fetch";
import { redisNonces, signedReceiver } from "spillway/signed";
import { drain, hopPath, keys, logReport, redis } from "../drain.ts";

const handle = fetchHandler(drain, {
  hopPath,
  receiveHop: signedReceiver({ keys, nonces: redisNonces(redis) }),
  // Netlify ends it after 15 minutes, counted from before this code begins.
  budgetMs: 890_000,
  onReport: logReport,
});

/** A background function, by its name: Netlify has answered with 202 before it begins, so it drains before it returns. */
export default (request: Request): Promise<Response> => handle(request);
