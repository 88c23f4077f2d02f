import { artifactOfBytes } from "../formats/artifact.ts";
import type { TlogEntry } from "../formats/bundle.ts";
import { base64, utf8 } from "../formats/bytes.ts";
import { envelopePae, readEnvelope } from "../formats/dsse.ts";
import { parseJson, readJson } from "../formats/json.ts";
import { parsePem } from "../formats/pem.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { readTlogEntry } from "../formats/tlog-entry.ts";
import { exchange, type HttpResponse, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import { refusalOf } from "./refusal.ts";
import type { ProposedEntry, Rekor } from "./rekor.ts";

const MAX_ANSWER = 1024 * 1024;
/** The log answers when its next checkpoint covers the entry: its clients must wait for that. */
const WAIT = 30_000;
const MAX_ENVELOPE = 16 * 1024 * 1024;

/**
 * A transparency log that speaks Rekor v2 (rekor-tiles). It has one kind of entry, hashedrekord:
 * an envelope is logged by the digest of its PAE. It promises nothing and states no time, so what
 * is logged here needs a timestamp. Entries cannot be looked up.
 */
export const rekorV2At = (url: string, outside: Outside): Rekor => ({
  entry: async () => fail("REKOR_RESPONSE", "a Rekor v2 log has no look-up of entries"),
  find: async () => fail("REKOR_RESPONSE", "a Rekor v2 log has no search for entries"),
  create: async (proposed) => {
    const request = requestOf(proposed);
    if (!request.ok) return request;
    const answer = await exchange(outside, {
      method: "POST",
      url: `${url.replace(/\/+$/, "")}/api/v2/log/entries`,
      headers: { "content-type": "application/json", accept: "application/json" },
      body: () => JSON.stringify(request.value),
      maxBytes: MAX_ANSWER,
      timeout: WAIT,
      service: "transparency log",
    });
    return answer.ok ? entryOf(answer.value) : answer;
  },
});

const requestOf = (proposed: ProposedEntry): Result<unknown> => {
  const certificate = parsePem(proposed.verifier, "CERTIFICATE");
  const der = certificate.ok && certificate.value.length === 1 ? certificate.value[0] : undefined;
  if (der === undefined) return fail("CONFIG", "Rekor v2 is asked only with a certificate");
  const logged = loggedOf(proposed);
  if (!logged.ok) return logged;
  const { digest, signature } = logged.value;
  const x509Certificate = { rawBytes: base64(der) };
  return ok({
    hashedRekordRequestV002: {
      digest: base64(digest),
      signature: {
        content: base64(signature),
        verifier: { x509Certificate, keyDetails: "PKIX_ECDSA_P256_SHA_256" },
      },
    },
  });
};

const loggedOf = (
  proposed: ProposedEntry,
): Result<{ readonly digest: Uint8Array; readonly signature: Uint8Array }> => {
  if (proposed.kind === "hashedrekord") {
    return ok({ digest: proposed.sha256, signature: proposed.signature });
  }
  const json = parseJson(utf8(proposed.envelope), MAX_ENVELOPE, "envelope");
  if (!json.ok) return json;
  const envelope = readJson(json.value, "DSSE_FORMAT", "envelope", readEnvelope);
  if (!envelope.ok) return envelope;
  const { sha256 } = artifactOfBytes(envelopePae(envelope.value));
  return ok({ digest: sha256, signature: envelope.value.signature });
};

const entryOf = (answer: HttpResponse): Result<TlogEntry> => {
  if (answer.status !== 201 && answer.status !== 200) {
    const where = shownUrl(answer.url);
    return fail(
      "REKOR_REFUSED",
      `the log at ${where} answered ${answer.status}: ${refusalOf(answer)}`,
    );
  }
  const json = parseJson(answer.body, MAX_ANSWER, "entry");
  if (!json.ok) return fail("REKOR_RESPONSE", json.error.message);
  return readJson(json.value, "REKOR_RESPONSE", "entry", readTlogEntry);
};
