import { createHmac, timingSafeEqual } from "node:crypto";
import type { Message } from "../src/index.ts";

/** The secret the sample's events were signed with. */
const secret = "whsec_example";

interface WebhookEvent {
  id: string;
  type: string;
  created: number;
  data: { customer: string; amount?: number; currency?: string };
  signature: string;
}

const totals = { handled: 0, duplicates: 0, malformed: 0, forged: 0 };
const revenue = new Map<string, { events: number; minorUnits: number }>();
const customers = new Set<string>();
const seen = new Set<string>();

/** Verifies one webhook event and adds it up. An event that can never be right is counted and not tried again. */
export default async function handler(message: Message): Promise<void> {
  const event = parse(message.payload);
  if (event === null) {
    totals.malformed += 1;
    return;
  }
  if (!isGenuine(event)) {
    totals.forged += 1;
    return;
  }
  // At least once: the same event may come twice, from its sender or from us.
  if (seen.has(event.id)) {
    totals.duplicates += 1;
    return;
  }
  seen.add(event.id);
  totals.handled += 1;
  customers.add(event.data.customer);
  const { amount, currency } = event.data;
  if (amount === undefined || currency === undefined) return;
  const sum = revenue.get(currency) ?? { events: 0, minorUnits: 0 };
  sum.events += 1;
  sum.minorUnits += event.type === "payment.refunded" ? -amount : amount;
  revenue.set(currency, sum);
}

/** What `npm start` prints at the end. */
export function summary(): Record<string, unknown>[] {
  const money = [...revenue].sort().map(([currency, sum]) => ({ currency, ...sum }));
  return [{ ...totals, customers: customers.size }, ...money];
}

function parse(payload: string): WebhookEvent | null {
  try {
    const event = JSON.parse(payload) as Partial<WebhookEvent>;
    const isWhole =
      typeof event.id === "string" &&
      typeof event.type === "string" &&
      Number.isInteger(event.created) &&
      typeof event.data?.customer === "string" &&
      typeof event.signature === "string";
    return isWhole ? (event as WebhookEvent) : null;
  } catch {
    return null;
  }
}

function isGenuine({ signature, ...signed }: WebhookEvent): boolean {
  const expected = createHmac("sha256", secret).update(JSON.stringify(signed)).digest();
  const given = Buffer.from(signature, "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
