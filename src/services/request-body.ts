import { concat } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";

/**
 * The whole body of a request or response of at most `maxBytes`. A longer one fails with
 * FORMAT_SIZE as soon as that is known, one that breaks off with NETWORK_RESPONSE.
 */
export const readBody = async (
  message: Request | Response,
  maxBytes: number,
): Promise<Result<Uint8Array>> => {
  const tooLarge = fail("FORMAT_SIZE", `the body has more than ${maxBytes} bytes`);
  if (Number(message.headers.get("content-length") ?? 0) > maxBytes) return tooLarge;
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of message.body ?? []) {
      size += part.length;
      if (size > maxBytes) return tooLarge;
      parts.push(part);
    }
  } catch {
    return fail("NETWORK_RESPONSE", "the body broke off");
  }
  return ok(concat(...parts));
};

/** The token after `Bearer` in the Authorization header, if that is what the header is. */
export const bearerToken = (request: Request): string | undefined =>
  /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
