import { equal, fromUtf8 } from "./bytes.ts";
import { canonicalJson } from "./jcs.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import { formatPem, parsePem } from "./pem.ts";
import { fail, ok, type Result } from "./result.ts";
import {
  type BodyVerifier,
  expectedValue,
  type Logged,
  pemLabel,
  type Spelling,
} from "./tlog-body.ts";

/** Where each kind keeps the verifier's PEM and the free hash; see {@link Spelling}. */
const readSpelling = (kind: string, json: Json, canonicalPem: string): Spelling => {
  const pemOf = (field: Json): string => field.take(fromUtf8(field.base64()));
  const none = { pem: canonicalPem, envelopeHash: "", hasPayload: false, keyid: undefined };
  const spec = json.field("spec");
  switch (kind) {
    case "hashedrekord 0.0.1":
      return { ...none, pem: pemOf(spec.field("signature").field("publicKey").field("content")) };
    case "dsse 0.0.1": {
      const [signature] = spec.field("signatures").items(1);
      const pem = signature === undefined ? canonicalPem : pemOf(signature.field("verifier"));
      return { ...none, pem, envelopeHash: spec.field("envelopeHash").field("value").string() };
    }
    case "intoto 0.0.2": {
      const content = spec.field("content");
      const envelope = content.field("envelope");
      const [signature] = envelope.field("signatures").items(1);
      return {
        pem: signature === undefined ? canonicalPem : pemOf(signature.field("publicKey")),
        envelopeHash: content.field("hash").field("value").string(),
        hasPayload: envelope.optional("payload") !== undefined,
        keyid: signature?.optional("keyid")?.string(),
      };
    }
    default:
      return none;
  }
};

/** The spelling where it means what it must; else the canonical one, which then differs. */
const acceptedSpelling = (spelling: Spelling, verifier: BodyVerifier, pem: string): Spelling => {
  const blocks = parsePem(spelling.pem, pemLabel(verifier));
  const [block, ...more] = blocks.ok ? blocks.value : [];
  const same = block !== undefined && more.length === 0 && equal(block, verifier.der);
  const envelopeHash = /^[0-9a-f]{64}$/.test(spelling.envelopeHash) ? spelling.envelopeHash : "";
  return { ...spelling, pem: same ? spelling.pem : pem, envelopeHash };
};

/** Path of the first member in which two JSON values differ, for the message. */
const firstDifference = (expected: unknown, actual: unknown, path = "body"): string | undefined => {
  if (typeof expected !== "object" || expected === null) {
    return expected === actual ? undefined : path;
  }
  if (typeof actual !== "object" || actual === null) return path;
  const members = new Map(Object.entries(actual));
  for (const [name, value] of Object.entries(expected)) {
    const difference = firstDifference(value, members.get(name), `${path}.${name}`);
    if (difference !== undefined) return difference;
  }
  return members.size === Object.keys(expected).length ? undefined : path;
};

const MAX_BODY = 1 << 24;

/**
 * Proves that an entry is about `logged` and nothing else: recomputes the body, and compares bytes.
 * Duplicate keys, further fields, further signatures and other encodings all make other bytes. Two
 * things are taken from the entry because they cannot be computed: the spelling of the PEM (which
 * must decode to the verifier's DER), and the hash over the envelope's submitted JSON text.
 *
 * @param kind - and `version`, as the bundle names them
 * @returns `TLOG_KIND` for a kind that is not supported, or holds no such content;
 * `TLOG_ENTRY_FORMAT` for a body that is not JSON of that kind; `TLOG_BODY` if it is about
 * anything else, naming the first field that differs
 */
export const checkBody = (
  bytes: Uint8Array,
  kind: string,
  version: string,
  logged: Logged,
): Result<undefined> => {
  const pem = formatPem(pemLabel(logged.verifier), logged.verifier.der);
  const parsed = parseJson(bytes, MAX_BODY, "body");
  if (!parsed.ok) return fail("TLOG_ENTRY_FORMAT", parsed.error.message);
  const read = readJson(parsed.value, "TLOG_ENTRY_FORMAT", "body", (json) =>
    readSpelling(`${kind} ${version}`, json, pem),
  );
  if (!read.ok) return read;
  const spelling = acceptedSpelling(read.value, logged.verifier, pem);
  const expected = expectedValue(kind, version, logged, spelling);
  if (expected === undefined) {
    return fail("TLOG_KIND", `an entry of kind ${kind} ${version} cannot be about this`);
  }
  if (equal(canonicalJson(expected), bytes)) return ok(undefined);
  const place = firstDifference(expected, parsed.value) ?? "the encoding";
  return fail("TLOG_BODY", `the entry differs from what was signed, in ${place}`);
};
