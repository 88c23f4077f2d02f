import { equal, fromBigEndian } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { parseTimestamp } from "../formats/timestamp.ts";
import { encodeTimestampRequest } from "../formats/timestamp-request.ts";
import { exchange, type HttpResponse, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import { refusalOf } from "./refusal.ts";

/** A timestamp authority that speaks RFC 3161 over HTTP. */
export type TimestampAuthority = {
  /**
   * A timestamp over these 32 bytes, the SHA-256 of what is stamped: DER of a TimeStampResp that
   * answers this request. Its signature is for verification to judge. Fails with TSA_REFUSED,
   * TSA_RESPONSE and what `exchange` fails with.
   */
  stamp(sha256: Uint8Array): Promise<Result<Uint8Array>>;
};

const MAX_ANSWER = 64 * 1024;
const NONCE_BYTES = 16;

/** The authority at its full URL, which for Sigstore's ends in `/api/v1/timestamp`. */
export const timestampAuthorityAt = (url: string, outside: Outside): TimestampAuthority => ({
  stamp: async (digest) => {
    const nonce = fromBigEndian(outside.random(NONCE_BYTES));
    const query = encodeTimestampRequest({
      hash: "sha256",
      digest,
      policy: undefined,
      nonce,
      certificates: true,
    });
    const answer = await exchange(outside, {
      method: "POST",
      url,
      headers: {
        "content-type": "application/timestamp-query",
        accept: "application/timestamp-reply",
      },
      body: () => new Uint8Array(query),
      maxBytes: MAX_ANSWER,
      service: "timestamp authority",
    });
    return answer.ok ? granted(answer.value, digest, nonce) : answer;
  },
});

const granted = (response: HttpResponse, digest: Uint8Array, nonce: bigint): Result<Uint8Array> => {
  const where = `the timestamp authority at ${shownUrl(response.url)}`;
  if (response.status !== 200 && response.status !== 201) {
    return fail("TSA_REFUSED", `${where}: ${refusalOf(response)}`);
  }
  const token = parseTimestamp(response.body);
  if (!token.ok) {
    const code = token.error.code === "TIME_STATUS" ? "TSA_REFUSED" : "TSA_RESPONSE";
    return fail(code, `${where}: ${token.error.message}`);
  }
  const { imprint } = token.value;
  const same = imprint.hash === "sha256" && equal(imprint.digest, digest);
  if (!same) return fail("TSA_RESPONSE", `${where} stamped something else`);
  if (token.value.nonce !== nonce) {
    return fail("TSA_RESPONSE", `${where} answered another request (the nonce differs)`);
  }
  return ok(response.body);
};
