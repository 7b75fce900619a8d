import type { Message } from "spillway";

/** Your work on one message. If it throws, the message is tried again later. */
export default async function handler(message: Message): Promise<void> {
  console.log(`Handled ${message.id} (attempt ${message.attempt}, ${message.bytes.length} bytes)`);
}
