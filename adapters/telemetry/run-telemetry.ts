import {
  type Context,
  context,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import type { BatchHandler, Failure, Handler, Message } from "../../src/index.ts";
import {
  type Batch,
  type Broker,
  isError,
  isHandlerOutcome,
  isThenable,
  passedOn,
  type RunParts,
  type Settlement,
  type TurnResult,
  textOfFailure,
} from "../../src/internals.ts";
import { names, type Operation, operationOn } from "./conventions.ts";
import { endSpan, type Telemetry } from "./spans.ts";
import { spanContextIn, spanContextInRaw } from "./traceparent.ts";

/** A handler at work. */
interface Processing {
  readonly span: Span;
  readonly startedAt: number;
  readonly messages: readonly Message[];
}

/** Records one list's run: its requests and its handlers. */
export class RunTelemetry {
  readonly #telemetry: Telemetry;
  readonly #parts: RunParts;
  readonly #list: string;
  /** The context of the run, whose requests and handlers are its children, wherever they come to be. */
  readonly #context: Context = context.active();
  readonly #links = new WeakMap<Batch, Link[]>();
  /** Handlers at work, by each of their messages. */
  readonly #running = new Map<Message, Processing>();

  constructor(telemetry: Telemetry, parts: RunParts) {
    this.#telemetry = telemetry;
    this.#parts = parts;
    this.#list = parts.processor.list;
  }

  toParts(): RunParts {
    const { processor, onFailure, untilTold } = this.#parts;
    const { handler, batchHandler } = processor;
    return {
      ...this.#parts,
      broker: this.#broker(),
      processor: {
        ...processor,
        handler: handler && this.#handler(handler),
        batchHandler: batchHandler && this.#batchHandler(batchHandler),
      },
      onFailure: (failure) => {
        onFailure?.(failure);
        this.#failed(failure);
      },
      untilTold: async () => {
        // What still runs was left behind.
        for (const processing of new Set(this.#running.values())) this.#ended(processing, null, "keep");
        await untilTold?.();
      },
    };
  }

  #broker(): Broker {
    const { broker } = this.#parts;
    return passedOn(broker, {
      look: async (...asked) => {
        const found = await broker.look(...asked);
        // Else the gauge would go on telling what there was before another drain took it.
        if (found === "empty") this.#tellBacklog(0);
        return found;
      },
      claim: (request) => this.#request(null, true, () => broker.claim(request)),
      turn: (settlement, request) => this.#request(settlement, true, () => broker.turn(settlement, request)),
      settle: (settlement) => this.#request(settlement, false, () => broker.settle(settlement)),
    });
  }

  /** A request, as what it does: it settles, or claims, or both in one. */
  async #request(
    settlement: Settlement | null,
    claims: boolean,
    send: () => Promise<TurnResult>,
  ): Promise<TurnResult> {
    const settling = settlement && this.#start("settle", this.#linksOf(settlement.batch));
    settling?.setAttribute(names.batchCount, settlement?.outcomes.length ?? 0);
    const receiving = claims ? this.#start("receive") : null;
    const startedAt = performance.now();
    const within = trace.setSpan(this.#context, (receiving ?? settling) as Span);
    try {
      const result = await context.with(within, send);
      this.#note(result);
      if (receiving) this.#endReceive(receiving, result.batch, startedAt);
      if (settling) {
        const lost = { name: "lost-lease", message: "The lease had ended before its messages were settled." };
        this.#end(settling, "settle", startedAt, result.lostCount > 0 ? lost : null);
      }
      return result;
    } catch (error) {
      const { name, message } = error as Error;
      if (receiving) this.#end(receiving, "receive", startedAt, { name, message });
      if (settling) this.#end(settling, "settle", startedAt, { name, message });
      throw error;
    }
  }

  #start(operation: Operation, links: Link[] = []): Span {
    const { tracer } = this.#telemetry;
    const attributes = operationOn(this.#list, operation);
    const options = { kind: SpanKind.CLIENT, attributes, links };
    return tracer.startSpan(`${operation} ${this.#list}`, options, this.#context);
  }

  #end(
    span: Span,
    operation: Operation,
    startedAt: number,
    failure: { name: string; message: string } | null,
  ): void {
    const more = endSpan(span, failure);
    this.#telemetry.instruments.operation(
      this.#list,
      operation,
      (performance.now() - startedAt) / 1_000,
      more,
    );
  }

  #endReceive(span: Span, batch: Batch | null, startedAt: number): void {
    const count = batch?.messages.length ?? 0;
    span.setAttribute(names.batchCount, count);
    if (batch) span.addLinks(this.#linksOf(batch));
    if (count > 0) this.#telemetry.instruments.consumed(this.#list, count);
    this.#end(span, "receive", startedAt, null);
  }

  #note({ remaining, claim }: TurnResult): void {
    const { instruments } = this.#telemetry;
    if (remaining !== null) this.#tellBacklog(remaining);
    if (claim === "braked" || claim === "served") instruments.brake(this.#list, claim === "braked");
  }

  #tellBacklog(count: number): void {
    this.#telemetry.backlogs.tell(this.#parts.chain.id, this.#list, count);
  }

  /** To the spans in which the messages were pushed. */
  #linksOf(batch: Batch): Link[] {
    const known = this.#links.get(batch);
    if (known) return known;
    const { codec } = this.#parts.processor;
    const links = batch.messages.flatMap(({ raw }) => {
      const found = spanContextInRaw(this.#telemetry.place, raw, codec);
      return found ? [{ context: found }] : [];
    });
    this.#links.set(batch, links);
    return links;
  }

  /** One message's handler: a child of the span that pushed it, where it names one, and linked to the run. */
  #handler(handler: Handler<unknown>): Handler<unknown> {
    return (message) => {
      const producer = spanContextIn(this.#telemetry.place, message);
      const own = trace.getSpanContext(this.#context);
      const parent = producer ? trace.setSpanContext(this.#context, producer) : this.#context;
      const processing = this.#begin([message], parent, producer && own ? [own] : []);
      processing.span.setAttributes({
        [names.messageId]: message.id,
        [names.bodySize]: message.bytes.length,
        "spillway.attempt": message.attempt,
      });
      return this.#process(processing, false, () => handler(message));
    };
  }

  #batchHandler(handler: BatchHandler<unknown>): BatchHandler<unknown> {
    return (messages, given) => {
      const producers = messages.flatMap((one) => spanContextIn(this.#telemetry.place, one) ?? []);
      const processing = this.#begin(messages, this.#context, producers);
      processing.span.setAttribute(names.batchCount, messages.length);
      return this.#process(processing, true, () => handler(messages, given));
    };
  }

  #begin(messages: readonly Message[], parent: Context, links: readonly SpanContext[]): Processing {
    const { tracer, instruments } = this.#telemetry;
    const options = {
      kind: SpanKind.CONSUMER,
      attributes: operationOn(this.#list, "process"),
      links: links.map((one) => ({ context: one })),
    };
    const span = tracer.startSpan(`process ${this.#list}`, options, parent);
    const processing = { span, startedAt: performance.now(), messages };
    for (const message of messages) this.#running.set(message, processing);
    instruments.inFlight(this.#list, messages.length);
    return processing;
  }

  /** Runs user code inside its span. What it returns or throws is returned and thrown, a promise of it as another one. */
  #process<Result>(processing: Processing, isBatch: boolean, run: () => Result): Result {
    const note = (error: unknown): void => {
      const [message] = processing.messages;
      const text = message && textOfFailure({ error, message });
      // What a batch's error quotes may be any of its payloads.
      const shown = processing.messages.length === 1 ? text : text && { name: text.name, message: "" };
      this.#ended(processing, shown ?? null);
    };
    const failed = (error: unknown): never => {
      note(error);
      throw error;
    };
    const done = (value: unknown): unknown => {
      // A batch handler may say it of each message apart, and a function is no outcome.
      const isSilent = typeof value === "function" || (isBatch && value !== undefined);
      if (isError(value)) note(value);
      else if (isHandlerOutcome(value)) this.#ended(processing, null, value.outcome);
      else this.#ended(processing, null, isSilent ? undefined : "ack");
      return value;
    };
    let returned: Result;
    try {
      returned = context.with(trace.setSpan(this.#context, processing.span), run);
    } catch (error) {
      return failed(error);
    }
    if (!isThenable(returned)) return done(returned) as Result;
    const settled = (async () => await returned)();
    return settled.then(done, failed) as Result;
  }

  /** A failure that the handler did not throw itself, such as its time being over. */
  #failed(failure: Failure): void {
    const processing = this.#running.get(failure.message);
    if (processing) this.#ended(processing, textOfFailure(failure));
  }

  #ended(processing: Processing, failure: { name: string; message: string } | null, outcome?: string): void {
    const { span, startedAt, messages } = processing;
    if (!messages.some((message) => this.#running.get(message) === processing)) return;
    for (const message of messages) this.#running.delete(message);
    if (outcome !== undefined) span.setAttribute("spillway.outcome", outcome);
    const more = endSpan(span, failure);
    const { instruments } = this.#telemetry;
    instruments.inFlight(this.#list, -messages.length);
    instruments.processing(this.#list, (performance.now() - startedAt) / 1_000, more);
  }
}
