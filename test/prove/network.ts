import type { VirtualTime } from "../../adapters/testing/virtual-time.ts";
import {
  type RedisClient,
  type RedisCommand,
  type RedisReply,
  RedisReplyError,
  RedisTransportError,
} from "../../src/index.ts";
import type { Ledger } from "./ledger.ts";

/** How bad a network is: each a probability for one request. */
export interface Weather {
  loseRequest: number;
  loseReply: number;
  double: number;
  /** Of taking seconds rather than milliseconds. */
  late: number;
  /** Of Redis refusing it for now. */
  refuse: number;
}

export const fairWeather: Weather = { loseRequest: 0, loseReply: 0, double: 0, late: 0, refuse: 0 };

/** What sends requests: its replies do not reach it when it is dead. */
export interface Sending {
  isDead: boolean;
}

/** A network that loses, doubles, delays and so reorders, between processes and one Redis. */
export class Network {
  readonly #time: VirtualTime;
  readonly #ledger: Ledger;
  readonly #random: () => number;
  weather: Weather;

  constructor(time: VirtualTime, ledger: Ledger, random: () => number, weather: Weather) {
    this.#time = time;
    this.#ledger = ledger;
    this.#random = random;
    this.weather = weather;
  }

  client(process: Sending): RedisClient {
    return {
      name: "simulated",
      command: (command, options) =>
        this.#send(process, options?.timeoutMs ?? 10_000, () => this.#ledger.execute(command)),
      pipeline: (commands, options) =>
        this.#send(process, options?.timeoutMs ?? 10_000, () =>
          commands.map((command) => this.#attempt(command)),
        ),
      close: async () => undefined,
    };
  }

  #attempt(command: RedisCommand): RedisReply | RedisReplyError {
    try {
      return this.#ledger.execute(command);
    } catch (error) {
      if (error instanceof RedisReplyError) return error;
      throw error;
    }
  }

  #send<Reply>(process: Sending, timeoutMs: number, run: () => Reply): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        if (!process.isDead) act();
      };
      const cancelTimeout = this.#time.after(timeoutMs, () =>
        settle(() => reject(new RedisTransportError("No reply.", { isRetryable: true }))),
      );
      const arrive = (): void => {
        if (this.#is("refuse")) {
          settle(() => reject(new RedisReplyError("LOADING Redis is loading the dataset in memory")));
          return;
        }
        let answer: () => void;
        try {
          const reply = run();
          answer = () => resolve(reply);
        } catch (error) {
          answer = () => reject(error);
        }
        if (this.#is("loseReply")) return;
        this.#time.after(this.#delay(), () => {
          cancelTimeout();
          settle(answer);
        });
      };
      if (!this.#is("loseRequest")) this.#time.after(this.#delay(), arrive);
      if (this.#is("double")) this.#time.after(this.#delay(), arrive);
    });
  }

  #is(fault: keyof Weather): boolean {
    return this.#random() < this.weather[fault];
  }

  #delay(): number {
    return this.#is("late") ? this.#random() * 20_000 : 0.5 + this.#random() * 30;
  }
}
