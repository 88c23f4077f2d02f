import { parseJson } from "../formats/json.ts";
import type { Failure, Result } from "../formats/result.ts";
import { fail } from "../formats/result.ts";
import { readBody } from "./request-body.ts";

/** An answer that is JSON, as the logs' APIs give it. */
export const jsonResponse = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response =>
  new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { "content-type": "application/json", ...headers },
  });

/** Rekor's error body. */
export const refusalResponse = (
  status: number,
  message: string,
  headers?: Readonly<Record<string, string>>,
): Response => jsonResponse(status, { code: status, message }, headers);

/** The status for a failed request: what the client sent, unless the failure is our disk's. */
export const failureResponse = ({ code, message }: Failure): Response => {
  switch (code) {
    case "STATE_BUSY":
      return refusalResponse(503, message, { "retry-after": "1" });
    case "FILE_UNWRITABLE":
      return refusalResponse(503, "the log takes no entries at the moment");
    case "FORMAT_SIZE":
      return refusalResponse(413, message);
    default:
      return refusalResponse(400, message);
  }
};

/** The JSON of a request. Any other content type is refused, so that no web form can post here. */
export const readJsonBody = async (
  request: Request,
  maxBytes: number,
): Promise<Result<unknown>> => {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    return fail("FORMAT_JSON", "the content type is not application/json");
  }
  const body = await readBody(request, maxBytes);
  return body.ok ? parseJson(body.value, maxBytes, "the request") : body;
};
