import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StateFeed } from "../../adapters/http/operations/state-feed.ts";

describe("a feed of how the lists stand", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }));
  afterEach(() => void vi.useRealTimers());

  const make = (read?: () => Promise<object>, signal?: AbortSignal) => {
    let reads = 0;
    const feed = new StateFeed(
      read ??
        (async () => {
          reads += 1;
          return { reads };
        }),
      signal,
    );
    return { feed, reads: () => reads };
  };
  const lasting = 3_600_000;
  /** What a listener has been told, and whether its stream has ended. */
  const follow = (stream: ReadableStream<Uint8Array> | null) => {
    const told: string[] = [];
    const state = { told, isEnded: false };
    void (async () => {
      for await (const part of stream as ReadableStream<Uint8Array>)
        told.push(new TextDecoder().decode(part));
      state.isEnded = true;
    })();
    return state;
  };

  it("reads once for all who listen, every two seconds, and not at all when they have gone", async () => {
    const { feed, reads } = make();
    const reader = feed.listen(lasting)?.getReader();
    await vi.advanceTimersByTimeAsync(0);
    const other = follow(feed.listen(lasting));
    await vi.advanceTimersByTimeAsync(0);
    expect(reads()).toBe(2);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(reads()).toBe(4);
    expect(other.told).toHaveLength(3);
    await reader?.cancel();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(other.isEnded).toBe(true);
    const before = reads();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([reads(), vi.getTimerCount()]).toEqual([before, 0]);
    follow(feed.listen(lasting));
    await vi.advanceTimersByTimeAsync(0);
    expect(reads()).toBe(before + 1);
  });

  it("ends after the time that its host has, and after five minutes at most", async () => {
    const { feed } = make();
    const [short, long] = [follow(feed.listen(5_000)), follow(feed.listen(lasting))];
    await vi.advanceTimersByTimeAsync(6_100);
    expect([short.isEnded, long.isEnded]).toEqual([true, false]);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(long.isEnded).toBe(true);
  });

  it("lets go of who does not keep up", async () => {
    const { feed, reads } = make();
    feed.listen(lasting);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reads()).toBeLessThan(15);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has twenty listeners at most, and none once its host stops", async () => {
    const host = new AbortController();
    const { feed } = make(undefined, host.signal);
    const all = Array.from({ length: 20 }, () => follow(feed.listen(lasting)));
    expect(feed.listen(lasting)).toBe(null);
    await vi.advanceTimersByTimeAsync(0);
    host.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(all.every(({ isEnded }) => isEnded)).toBe(true);
    expect(feed.listen(lasting)).toBe(null);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("asks less often where reading takes long, and says that it could not read, and of no cause", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    let reads = 0;
    const { feed } = make(async () => {
      reads += 1;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      throw new Error("password");
    });
    const { told } = follow(feed.listen(lasting));
    await vi.advanceTimersByTimeAsync(17_500);
    expect(reads).toBe(3);
    expect(told[0]).toContain("event: trouble");
    expect(told.join()).not.toContain("password");
    logged.mockRestore();
  });
});
