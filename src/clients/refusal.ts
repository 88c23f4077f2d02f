import { fromUtf8 } from "../formats/bytes.ts";
import { parseJson, readJson } from "../formats/json.ts";
import type { HttpResponse } from "./http.ts";

const MAX_SHOWN = 300;
const MAX_READ = 64 * 1024;

/** Three base64url parts: whatever looks like a JWT, wherever a service echoes it. */
const JWT_LIKE = /[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;

/**
 * What a service says about its refusal, fit for one line of a message: `status 400: why`.
 * Takes `message` or `error` of a JSON body, else the text; without control characters, cut at
 * 300 characters, and with everything that looks like a JWT replaced.
 */
export const refusalOf = (response: HttpResponse): string => {
  const text = fromUtf8(response.body.subarray(0, MAX_READ));
  const said = messageOf(response.body) ?? (text.ok ? text.value : "");
  const shown = said
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replaceAll(JWT_LIKE, "(a token)")
    .trim();
  const cut = shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown;
  return cut === "" ? `status ${response.status}` : `status ${response.status}: ${cut}`;
};

const messageOf = (body: Uint8Array): string | undefined => {
  const parsed = parseJson(body, MAX_READ, "answer");
  if (!parsed.ok) return undefined;
  const read = readJson(parsed.value, "NETWORK_RESPONSE", "answer", (json) =>
    (json.optional("message") ?? json.field("error")).string(),
  );
  return read.ok ? read.value : undefined;
};
