import { type Attributes, type Span, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import type { Backlogs } from "./backlogs.ts";
import { names } from "./conventions.ts";
import type { Instruments } from "./instruments.ts";
import type { TraceparentPlace } from "./traceparent.ts";

/** What all that is recorded of a drain is recorded with. */
export interface Telemetry {
  readonly place: TraceparentPlace | undefined;
  readonly tracer: Tracer;
  readonly instruments: Instruments;
  readonly backlogs: Backlogs;
}

/** Ends a span, with what failed in it, if anything. Returns what its measurements say of that. */
export function endSpan(span: Span, failure: { name: string; message: string } | null): Attributes {
  const more: Attributes = failure ? { [names.errorType]: failure.name } : {};
  if (failure) {
    span.setAttributes(more);
    span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
  }
  span.end();
  return more;
}
