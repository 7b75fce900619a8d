/** Shorter than this, a secret is found in words that are none, and protects nothing. */
const secretCharsMin = 4;
const variables = [
  "UPSTASH_REDIS_REST_TOKEN",
  "SPILLWAY_TOKEN",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
];
const urlVariables = ["REDIS_URL", "UPSTASH_REDIS_REST_URL"];
const shown = "…";

/** Every secret that this process was given: tokens, and passwords in URLs, by its arguments and its environment. */
export function secretsOf(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const tokens = args.flatMap((arg, at) =>
    arg === "--token" ? (args[at + 1] ?? "") : arg.startsWith("--token=") ? arg.slice("--token=".length) : [],
  );
  const urls = [...args, ...urlVariables.map((name) => environment[name] ?? "")];
  const passwords = urls.flatMap((url) => {
    const raw = /:\/\/[^/?#\s]*:([^/?#\s]*)@/.exec(url)?.[1];
    return raw === undefined ? [] : [raw, decoded(raw)];
  });
  const secrets = [...tokens, ...passwords, ...variables.map((name) => environment[name] ?? "")];
  return [...new Set(secrets)].filter(({ length }) => length >= secretCharsMin);
}

/** The text without the secrets, and without what stands before the host of a URL, whoever's it is. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const plain = text.replace(/(\w:\/\/)[^/?#\s@]*@/g, `$1${shown}@`);
  return secrets.reduce((safe, secret) => safe.replaceAll(secret, shown), plain);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
