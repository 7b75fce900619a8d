import type { ByteString } from "../../src/index.ts";

/** How one message has fared: `<attempts>.<crashes>.<held>@<first failure, ms>`, or empty where it never failed. */
export interface TurnRecord {
  readonly count: number;
  readonly crashes: number;
  readonly held: number;
  readonly first: string;
}

export function readRecord(record: ByteString, now: number): TurnRecord {
  const [, count, crashes, held, first] = /^(\d+)\.(\d+)\.(\d+)@(\d+)$/.exec(record) ?? [];
  return {
    count: Number(count ?? 0),
    crashes: Number(crashes ?? 0),
    held: Number(held ?? 0),
    first: first ?? String(now),
  };
}

/** The record after so many more attempts, crashes, and times held back. */
export function addTo(record: ByteString, now: number, more: [number, number, number]): ByteString {
  const { count, crashes, held, first } = readRecord(record, now);
  return `${count + more[0]}.${crashes + more[1]}.${held + more[2]}@${first}`;
}

/** A dead letter as the list holds it: a line of JSON, then the payload. */
export function deadLetter(
  id: string,
  record: ByteString,
  now: number,
  tail: ByteString,
  payload: ByteString,
): ByteString {
  const { count, first } = readRecord(record, now);
  return `{"id":"${id}","attempts":${count},"firstFailedAt":${first},"lastFailedAt":${now},${tail}\n${payload}`;
}

/** The numbers of the script's policy argument. */
export function readPolicy(text: ByteString): TurnPolicy {
  const [
    maxAttempts = 0,
    deadCountMax = 0,
    deadAgeMsMax = 0,
    brakeAfter = 0,
    brakePauseMs = 0,
    brakePauseMsMax = 0,
    brakeMsMax = 0,
    heldMax = 0,
    batchSize = 0,
    marksBusy = 0,
    busyUntil = 0,
  ] = (text.match(/\d+/g) ?? []).map(Number);
  return {
    maxAttempts,
    deadCountMax,
    deadAgeMsMax,
    brakeAfter,
    brakePauseMs,
    brakePauseMsMax,
    brakeMsMax,
    heldMax,
    marksBusy,
    busyUntil,
    batchSize,
  };
}

export interface TurnPolicy {
  readonly maxAttempts: number;
  readonly deadCountMax: number;
  readonly deadAgeMsMax: number;
  readonly brakeAfter: number;
  readonly brakePauseMs: number;
  readonly brakePauseMsMax: number;
  readonly brakeMsMax: number;
  readonly heldMax: number;
  readonly batchSize: number;
  readonly marksBusy: number;
  readonly busyUntil: number;
}

export interface BrakeState {
  isOn: boolean;
  readonly isWorn: boolean;
  readonly endsAt: number;
  readonly pauses: number;
  readonly probe: string | null;
}

export const noBrake: BrakeState = { isOn: false, isWorn: false, endsAt: 0, pauses: 0, probe: null };
