const encoder = new TextEncoder();

/** Whether an `Authorization` header holds this secret as its bearer token. */
export async function isBearer(authorization: string | null | undefined, wanted: string): Promise<boolean> {
  const given = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
  return given !== undefined && (await isSameSecret(given, wanted));
}

/** Whether two secrets are the same, in a time that tells nothing about them: their digests are compared, byte by byte. */
export async function isSameSecret(given: string, wanted: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(given), digest(wanted)]);
  let difference = 0;
  for (const [at, byte] of left.entries()) difference |= byte ^ (right[at] as number);
  return difference === 0;
}

async function digest(secret: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(secret)));
}
