import { fetchHandler } from "../../../../adapters/hosts/fetch/index.ts";
import { redisNonces } from "../../../../adapters/signed/index.ts";
import { logReport } from "../../../deliver.ts";
import { drain, hopPath, keys, redis } from "../../drain.ts";

const handle = fetchHandler(drain, {
  hopPath,
  signed: { keys, nonces: redisNonces(redis) },
  // Netlify ends it after 15 minutes; what is left over is for the last settle and the continuation.
  budgetMs: 890_000,
  onReport: logReport,
});

/** A background function, by its name: Netlify has answered with 202 before it begins, so it drains before it returns. */
export default (request: Request): Promise<Response> => handle(request);
