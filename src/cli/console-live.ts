import { systemRandom } from "../crypto/random.ts";
import { hex, utf8 } from "../formats/bytes.ts";

/** Tells who watches the console that something changed, by server-sent events. */
export type Live = {
  publish(change: object): void;
  /** The id of the last event; `stream` of it gives what came since. */
  at(): string;
  /**
   * @param lastEventId - the last event that the client saw: it gets all since then, or `reset`
   *   where they are not known any more
   */
  stream(lastEventId: string | null): Response;
  clients(): number;
  /** Ends all streams. */
  close(): void;
};

export type LiveLimits = {
  readonly clients: number;
  /** Events that are kept for clients that come back. */
  readonly kept: number;
  /** Bytes that may wait for a client before it is let go. */
  readonly waiting: number;
  /** Milliseconds between two signs of life. */
  readonly heartbeat: number;
};

const LIMITS: LiveLimits = { clients: 64, kept: 256, waiting: 64 * 1024, heartbeat: 15_000 };
const RETRY = 2_000;

type Client = ReadableStreamDefaultController<Uint8Array>;

const busy = (): Response =>
  new Response("too many clients\n", {
    status: 503,
    headers: { "content-type": "text/plain; charset=utf-8", "retry-after": "10" },
  });

/** One event of the stream; the text is JSON, so it has no line breaks. */
const event = (name: string, id: string, text: string): string =>
  `event: ${name}\nid: ${id}\ndata: ${text}\n\n`;

export const openLive = (limits: LiveLimits = LIMITS): Live => {
  // Another process counts anew, so its events are told from ours.
  const run = hex(systemRandom(6));
  const clients = new Set<Client>();
  let kept: { readonly number: number; readonly text: string }[] = [];
  let last = 0;
  let beating: ReturnType<typeof setInterval> | undefined;

  const leave = (client: Client): void => {
    clients.delete(client);
    if (clients.size > 0) return;
    clearInterval(beating);
    beating = undefined;
  };
  const send = (client: Client, text: string): void => {
    if ((client.desiredSize ?? 0) > 0) client.enqueue(utf8(text));
    else {
      // It reads too slowly; it may come back, and is then told what it missed.
      leave(client);
      client.error(new Error("the client does not read"));
    }
  };
  const beat = (): void => {
    for (const client of [...clients]) send(client, ": still here\n\n");
  };
  const missed = (lastEventId: string | null): string => {
    const [, from, number] = /^([0-9a-f]{12})\.(\d{1,15})$/.exec(lastEventId ?? "") ?? [];
    if (lastEventId === null) return event("hello", `${run}.${last}`, "{}");
    const seen = Number(number);
    const oldest = kept[0]?.number ?? last + 1;
    const known = from === run && seen <= last && seen + 1 >= oldest;
    if (!known) return event("reset", `${run}.${last}`, "{}");
    return kept
      .filter((one) => one.number > seen)
      .map(({ text }) => text)
      .join("");
  };
  const stream = (lastEventId: string | null): Response => {
    if (clients.size >= limits.clients) return busy();
    let mine: Client | undefined;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (client) => {
          mine = client;
          clients.add(client);
          beating ??= setInterval(beat, limits.heartbeat).unref();
          client.enqueue(utf8(`retry: ${RETRY}\n\n${missed(lastEventId)}`));
        },
        cancel: () => {
          if (mine !== undefined) leave(mine);
        },
      },
      { highWaterMark: limits.waiting, size: (chunk) => chunk?.length ?? 0 },
    );
    return new Response(body, {
      headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
    });
  };
  return {
    stream,
    at: () => `${run}.${last}`,
    publish: (change) => {
      last += 1;
      const text = event("changed", `${run}.${last}`, JSON.stringify(change));
      kept = [...kept, { number: last, text }].slice(-limits.kept);
      for (const client of [...clients]) send(client, text);
    },
    clients: () => clients.size,
    close: () => {
      for (const client of [...clients]) {
        leave(client);
        client.close();
      }
    },
  };
};
