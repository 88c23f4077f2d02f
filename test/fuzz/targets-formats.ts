import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { generateKey, importPublicKey } from "../../src/crypto/keys.ts";
import { fromUtf8, utf8 } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import {
  basicConstraints,
  extendedKeyUsage,
  fulcioClaims,
  keyUsage,
  subjectAlternativeNames,
} from "../../src/formats/certificate-extensions.ts";
import {
  formatCheckpoint,
  formatNote,
  parseCheckpoint,
  parseNote,
} from "../../src/formats/checkpoint.ts";
import { children, der, readDer } from "../../src/formats/der.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { parseJson } from "../../src/formats/json.ts";
import { parseJwt, tokenClaims } from "../../src/formats/jwt.ts";
import { formatPem, parsePem } from "../../src/formats/pem.ts";
import { fail, ok, unwrap } from "../../src/formats/result.ts";
import { parseRfc3339 } from "../../src/formats/rfc3339.ts";
import {
  embeddedScts,
  formatDetachedSct,
  parseDetachedSct,
  parseSct,
  parseSctList,
  precertificateTbs,
  serializeSct,
  serializeSctList,
} from "../../src/formats/sct.ts";
import { parseTimestamp } from "../../src/formats/timestamp.ts";
import {
  encodeTimestampRequest,
  parseTimestampRequest,
} from "../../src/formats/timestamp-request.ts";
import { parseBody } from "../../src/formats/tlog-body-parse.ts";
import { forgeLeaf, forgeSct, WORLD } from "../verification/forge.ts";
import { entryV2, envelopeBundle, messageBundle } from "../verification/forge-bundle.ts";
import { forgeTimestamp } from "../verification/forge-timestamp.ts";
import { exact, ofText, oracle, stable, type Target, target } from "./target.ts";

const leaf = forgeLeaf();
const rsa = generateKey("rsa-pkcs1v15");
const { certificate } = leaf;
const message = messageBundle(leaf);
const signature = utf8("signature");
const bodies = [message, envelopeBundle(leaf), messageBundle(leaf, entryV2)].map(
  ({ entries: [entry] }) => entry!.canonicalizedBody,
);
const note = message.entries[0]!.inclusionProof!.checkpoint!;
const sct = forgeSct(WORLD.ct, { kind: "x509", certificate: certificate.der });
const TOKEN = [
  "eyJhbGciOiJSUzI1NiJ9",
  "eyJpc3MiOiJhIiwic3ViIjoiYiIsImF1ZCI6WyJjIl0sImV4cCI6MX0",
  "AAAA",
];

/** The tree of DER elements, written again. */
const rewrite = (bytes: Uint8Array, depth = 0): Uint8Array => {
  const node = unwrap(readDer(bytes));
  if ((node.tag & 0x20) === 0 || depth > 30) return der(node.tag, node.content);
  const inside = children(node);
  if (!inside.ok) return der(node.tag, node.content);
  return der(node.tag, ...inside.value.map((child) => rewrite(child.bytes, depth + 1)));
};

const text = (input: Uint8Array): string => unwrap(fromUtf8(input));

export const FORMATS: readonly Target[] = [
  target(
    "json",
    [utf8('{"a":[1,-2.5e3,true,null,"\\u00e9\\n"],"b":{"c":""}}'), ...bodies],
    (input) => parseJson(input, 1 << 16, "fuzz"),
    (value, input) => {
      const other: unknown = JSON.parse(text(input));
      assert.equal(JSON.stringify(value), JSON.stringify(other), "another reader reads otherwise");
    },
    stable(
      (value) => canonicalJson(value),
      (bytes) => parseJson(bytes, 1 << 20, "fuzz"),
    ),
  ),
  target("log entry body", bodies, parseBody),
  target(
    "der",
    [certificate.der, forgeTimestamp(signature)],
    readDer,
    exact((node) => rewrite(node.bytes)),
  ),
  target(
    "pem",
    [
      utf8(formatPem("CERTIFICATE", certificate.der)),
      utf8(formatPem("CERTIFICATE", certificate.der).repeat(2)),
    ],
    ofText((pem) => parsePem(pem, "CERTIFICATE")),
    stable(
      (blocks) => blocks.map((block) => formatPem("CERTIFICATE", block)).join(""),
      ofText((pem) => parsePem(pem, "CERTIFICATE")),
    ),
  ),
  target(
    "certificate",
    [certificate.der, WORLD.ca.intermediate.der, WORLD.ca.root.der, WORLD.tsa.leaf.der],
    parseCertificate,
    oracle((input) => new X509Certificate(input)),
    (parsed) => {
      for (const read of [
        subjectAlternativeNames,
        basicConstraints,
        keyUsage,
        extendedKeyUsage,
        fulcioClaims,
        embeddedScts,
        precertificateTbs,
      ])
        assert.equal(typeof read(parsed).ok, "boolean");
    },
  ),
  target("sct", [sct], parseSct, exact(serializeSct)),
  target(
    "sct list",
    [serializeSctList([sct]), serializeSctList([sct, sct])],
    parseSctList,
    exact((list) => serializeSctList(list.map(serializeSct))),
  ),
  target("detached sct", [formatDetachedSct(unwrap(parseSct(sct)))], parseDetachedSct, (value) =>
    assert.ok(value.timestamp >= 0n),
  ),
  target(
    "timestamp",
    [
      forgeTimestamp(signature, { embed: [WORLD.tsa.leaf] }),
      forgeTimestamp(signature, { byKeyId: Uint8Array.of(1, 2) }),
    ],
    parseTimestamp,
    (token) => assert.ok(Number.isSafeInteger(token.time)),
  ),
  target(
    "timestamp request",
    [
      encodeTimestampRequest({
        hash: "sha256",
        digest: new Uint8Array(32),
        nonce: 7n,
        certificates: true,
        policy: undefined,
      }),
    ],
    parseTimestampRequest,
  ),
  target(
    "token",
    [utf8(TOKEN.join("."))],
    ofText((token) => {
      const parsed = parseJwt(token);
      return parsed.ok ? tokenClaims(parsed.value) : parsed;
    }),
  ),
  target(
    "note",
    [utf8(note), utf8(`${note}${note.split("\n\n")[1]}`)],
    (input) => {
      const decoded = fromUtf8(input);
      return decoded.ok ? parseNote(decoded.value) : decoded;
    },
    exact(formatNote),
  ),
  target(
    "checkpoint",
    [utf8(`${note.split("\n\n")[0]}\n`), utf8(`${note.split("\n\n")[0]}\nextension\n`)],
    (input) => {
      const decoded = fromUtf8(input);
      return decoded.ok ? parseCheckpoint(decoded.value) : decoded;
    },
    exact(formatCheckpoint),
  ),
  target(
    "time",
    [utf8("2026-02-28T12:00:00.123Z"), utf8("2024-02-29T23:59:59+02:00")],
    ofText((time) => ok(parseRfc3339(time))),
    (time, input) => {
      if (time === undefined) return;
      const other = Date.parse(text(input));
      assert.ok(time >= other && time < other + 1, "read otherwise");
    },
  ),
  target(
    "key",
    [generateKey("ed25519").publicKey.spki, leaf.key.publicKey.spki, rsa.publicKey.spki],
    (input) => {
      const key = importPublicKey(input);
      return key === undefined ? fail("KEY_FORMAT", "no key") : ok(key);
    },
    (key) => assert.equal(key.keyId.length, 32),
  ),
];
