import type { Outside } from "../../src/clients/outside.ts";

export type Call = {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
};

type Answer = Response | Error | ((call: Call) => Response | Error | Promise<Response>);

/** A clone shares its source's stream, and its cancel waits for the other; a copy does not. */
const copyOf = async (response: Response): Promise<Response> => {
  const { status, headers } = response;
  const body = response.body === null ? null : await response.clone().arrayBuffer();
  return new Response(body, { status, headers });
};

/** A world whose network gives `answers` in turn, the last one for ever, and whose sleeps pass at once. */
export const fakeOutside = (...answers: readonly Answer[]) => {
  const calls: Call[] = [];
  const sleeps: number[] = [];
  let now = 1_700_000_000_000;
  const answer = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const { method, url, headers } = request;
    calls.push({ method, url, headers, body: new Uint8Array(await request.arrayBuffer()) });
    const next = answers[Math.min(calls.length, answers.length) - 1];
    const call = calls.at(-1);
    if (next === undefined || call === undefined) throw new Error("no answer was planned");
    const given = typeof next === "function" ? await next(call) : next;
    if (given instanceof Error) throw given;
    return typeof next === "function" ? given : copyOf(given);
  };
  const outside: Outside = {
    fetch: answer,
    now: () => now,
    sleep: async (milliseconds) => {
      sleeps.push(milliseconds);
      now += milliseconds;
    },
    random: (length) => new Uint8Array(length).fill(128),
  };
  return { outside, calls, sleeps };
};

/** What fetch throws when nobody listens. */
export const refused = (): Error =>
  new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "ECONNREFUSED" }) });

export const jsonAnswer = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
