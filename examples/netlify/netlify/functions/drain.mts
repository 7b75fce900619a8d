import { drain, logReport } from "../drain.ts";

/** Runs each minute; Netlify ends it after 30 s. Nobody can call it by its URL. */
export default async function tick(): Promise<Response> {
  logReport(await drain.run({ budgetMs: 25_000 }));
  return new Response(null, { status: 204 });
}

export const config = { schedule: "* * * * *" };
