import assert from "node:assert/strict";
import { describe } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { PREDICATE } from "../../src/formats/evidence.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import { CONTENT, FILENAME, forgeLeaf } from "./forge.ts";
import { entryV1, entryV2, envelopeBundle, inputOf, messageBundle } from "./forge-bundle.ts";
import { type Case, refuses } from "./refuses.ts";

const leaf = forgeLeaf();
const message = messageBundle(leaf);
const DIGEST = hex(sha256(CONTENT));
const OTHER = hex(sha256(utf8("other")));

/** A statement with these subjects, as text, so that it can be malformed. */
const stating = (
  subject: string,
  predicateType: string = PREDICATE.provenance,
): VerificationInput =>
  inputOf(
    envelopeBundle(
      leaf,
      entryV1,
      utf8(
        `{"_type":"https://in-toto.io/Statement/v1","subject":${subject},"predicateType":"${predicateType}"}`,
      ),
    ),
  );

const named = (name: string) =>
  stating(`[{"name":${JSON.stringify(name)},"digest":{"sha256":"${DIGEST}"}}]`);

const STATEMENT: readonly Case[] = [
  [
    "the right digest under another name, the right name with another digest",
    () =>
      stating(
        `[{"name":"other","digest":{"sha256":"${DIGEST}"}},{"name":"${FILENAME}","digest":{"sha256":"${OTHER}"}}]`,
      ),
    "STATEMENT_SUBJECT",
  ],
  [
    "the digest under another algorithm's name",
    () => stating(`[{"name":"${FILENAME}","digest":{"sha512":"${DIGEST}"}}]`),
    "STATEMENT_SUBJECT",
  ],
  [
    "the digest as a prototype's",
    () => stating(`[{"name":"${FILENAME}","digest":{"__proto__":{"sha256":"${DIGEST}"}}}]`),
    "STATEMENT_FORMAT",
  ],
  [
    "two digests under one key",
    () => stating(`[{"name":"${FILENAME}","digest":{"sha256":"${OTHER}","sha256":"${DIGEST}"}}]`),
    "STATEMENT_FORMAT",
  ],
  [
    "a digest in capitals",
    () => stating(`[{"name":"${FILENAME}","digest":{"sha256":"${DIGEST.toUpperCase()}"}}]`),
    "STATEMENT_FORMAT",
  ],
  [
    "a digest with something behind it",
    () => stating(`[{"name":"${FILENAME}","digest":{"sha256":"${DIGEST}00"}}]`),
    "STATEMENT_SUBJECT",
  ],
  ["no subjects", () => stating("[]"), "STATEMENT_FORMAT"],
  [
    "two subjects in a publish attestation, one of them right",
    () =>
      stating(
        `[{"name":"${FILENAME}","digest":{"sha256":"${DIGEST}"}},{"name":"x","digest":{"sha256":"${OTHER}"}}]`,
        PREDICATE.publish,
      ),
    "STATEMENT_SUBJECT",
  ],
  ...[
    `./${FILENAME}`,
    `x/../${FILENAME}`,
    FILENAME.toUpperCase(),
    FILENAME.replace("widgets", "Widgets"),
    FILENAME.replace("1.2.0", "1.2.0.post1"),
    FILENAME.replace("1.2.0", "1.2.0-1"),
    FILENAME.replace("i", "\u0456"),
    `${FILENAME} `,
    `${FILENAME}.whl`,
    FILENAME.replace(".whl", "%2ewhl"),
    FILENAME.replace("-py3", "\u2010py3"),
    "",
  ].map(
    (name): Case => [`the name ${JSON.stringify(name)}`, () => named(name), "STATEMENT_SUBJECT"],
  ),
  [
    "an attestation that is right, for an older file that was renamed",
    () =>
      inputOf(envelopeBundle(leaf), {
        artifact: artifactOfBytes(CONTENT, FILENAME.replace("1.2.0", "1.3.0")),
      }),
    "STATEMENT_SUBJECT",
  ],
  [
    "a predicate type that only begins like an accepted one",
    () => ({
      ...inputOf(envelopeBundle(leaf)),
      predicateTypes: [`${PREDICATE.publish}/`, PREDICATE.publish.slice(0, -1)],
    }),
    "STATEMENT_PREDICATE",
  ],
  [
    "a bare signature where a statement is asked for",
    () => inputOf(message, { predicateTypes: [PREDICATE.publish] }),
    "STATEMENT_PREDICATE",
  ],
];

/** The signature and entry of an envelope, presented as a signature over its payload as a file. */
const payloadAsFile = (log: typeof entryV1): VerificationInput => {
  const bundle = envelopeBundle(leaf, log);
  assert.ok(bundle.content.kind === "dsse");
  const { payload, signature } = bundle.content.envelope;
  const content = { kind: "message-signature", digest: undefined, signature } as const;
  return inputOf({ ...bundle, content }, { artifact: artifactOfBytes(payload) });
};

/** A signature over a file, presented as that of an envelope with the file as payload. */
const fileAsPayload = (log: typeof entryV1): VerificationInput => {
  const bundle = messageBundle(leaf, log);
  assert.ok(bundle.content.kind === "message-signature");
  const { signature } = bundle.content;
  const envelope = {
    payloadType: "application/vnd.in-toto+json",
    payload: CONTENT,
    signature,
    keyid: "",
  };
  return inputOf({ ...bundle, content: { kind: "dsse", envelope } });
};

const CONFUSED: readonly Case[] = [
  ["an envelope's signature over its payload as a file", () => payloadAsFile(entryV1), "TLOG_KIND"],
  ["the same in a log of version 2", () => payloadAsFile(entryV2), "TLOG_BODY"],
  ["a file's signature over the file as payload", () => fileAsPayload(entryV1), "TLOG_KIND"],
  ["the same in a log of version 2", () => fileAsPayload(entryV2), "TLOG_BODY"],
];

describe("attacks by statement", () => refuses(STATEMENT));
describe("attacks by confusing kinds of content", () => refuses(CONFUSED));
