import assert from "node:assert/strict";
import {
  bundleToAttestation,
  formatAttestation,
  formatAttestations,
  parseAttestation,
  parseAttestations,
} from "../../src/formats/attestation.ts";
import { formatBuildRecord, parseBuildRecord } from "../../src/formats/build-record.ts";
import { formatBundle, parseBundle } from "../../src/formats/bundle.ts";
import { base64, hex, utf8 } from "../../src/formats/bytes.ts";
import {
  formatClientTrustConfig,
  parseClientTrustConfig,
} from "../../src/formats/client-trust-config.ts";
import {
  formatCertificateFile,
  formatSignatureFile,
  parseCertificateFile,
  parseCosignBundle,
  parseSignatureFile,
} from "../../src/formats/detached.ts";
import { parseJson } from "../../src/formats/json.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { formatProvenance, parseProvenance } from "../../src/formats/provenance-object.ts";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { PUBLIC_GOOD_TUF_ROOT } from "../../src/formats/public-good-tuf-root.ts";
import { fail, ok, unwrap } from "../../src/formats/result.ts";
import { signingConfigFromJson, signingConfigJson } from "../../src/formats/signing-config.ts";
import { parseStatement } from "../../src/formats/statement.ts";
import { trustFromFiles } from "../../src/formats/trust-files.ts";
import { formatTrustedRoot, parseTrustedRoot } from "../../src/formats/trusted-root.ts";
import { parseTufMetadata } from "../../src/formats/tuf.ts";
import { readPolicy } from "../../src/verification/policy-format.ts";
import { verify } from "../../src/verification/verify.ts";
import { forgeLeaf, ISSUER, SAN, TRUST, WORLD } from "../verification/forge.ts";
import {
  entryV2,
  envelopeBundle,
  inputOf,
  messageBundle,
  statementOf,
} from "../verification/forge-bundle.ts";
import { forgeTimestamp } from "../verification/forge-timestamp.ts";
import { ofText, stable, type Target, target } from "./target.ts";

const leaf = forgeLeaf();
const message = messageBundle(leaf);
const envelope = envelopeBundle(leaf);
const v2 = envelopeBundle(leaf, entryV2);
assert.ok(v2.content.kind === "dsse" && message.content.kind === "message-signature");
const stamped = { ...v2, timestamps: [forgeTimestamp(v2.content.envelope.signature)] };
const { signature } = message.content;
const bundles = [message, envelope, stamped].map(formatBundle);
const attestation = unwrap(bundleToAttestation(envelope));

const [entry] = message.entries;
const cosignBundle = utf8(
  JSON.stringify({
    base64Signature: base64(signature),
    cert: base64(utf8(formatPem("CERTIFICATE", leaf.certificate.der))),
    rekorBundle: {
      SignedEntryTimestamp: base64(entry!.signedEntryTimestamp!),
      Payload: {
        body: base64(entry!.canonicalizedBody),
        integratedTime: Number(entry!.integratedTime),
        logIndex: Number(entry!.logIndex),
        logID: hex(entry!.logId),
      },
    },
  }),
);

const always = { start: 0, end: undefined };
const service = (url: string) => ({ url, majorApiVersion: 1, validity: always, operator: "acme" });
const signingConfig = {
  caUrls: [service("https://fulcio.example")],
  oidcUrls: [service("https://gitlab.example")],
  rekorTlogUrls: [service("https://rekor.example")],
  tsaUrls: [service("https://tsa.example")],
  rekorTlogConfig: { selector: "ALL" as const },
  tsaConfig: { selector: "EXACT" as const, count: 2 },
};
const readSigningConfig = (input: Uint8Array) => {
  const value = parseJson(input, 1 << 16, "signing config");
  return value.ok ? signingConfigFromJson(value.value, "signing config") : value;
};

const RECORD = {
  recordVersion: 1,
  name: "greeter",
  version: "1.0.0",
  source: {
    commit: "a".repeat(40),
    dirty: false,
    sourceDateEpoch: 1_700_000_000,
    digest: "b".repeat(64),
    surroundings: "c".repeat(64),
  },
  settings: { reproducible: true, metadata: { "project.name": "greeter" } },
  backend: { name: "setuptools.build_meta", requires: ["setuptools>=77"] },
  python: { version: "3.12.1", implementation: "CPython", platform: "linux-x86_64" },
  resolved: [{ name: "setuptools", version: "80.0.0" }],
  startedOn: "2026-01-01T00:00:00Z",
  finishedOn: "2026-01-01T00:00:05Z",
  distributions: [{ filename: "greeter-1.0.0.tar.gz", sha256: "0".repeat(64), size: 1 }],
};

const POLICY = {
  packages: {
    widgets: {
      identities: [
        { kind: "gitlab", issuer: ISSUER, project: "acme/widgets", ref: "refs/tags/v*" },
        { kind: "exact", issuer: ISSUER, identity: SAN },
      ],
      "tlog-threshold": 2,
    },
  },
};

const TUF_TARGETS = {
  signatures: [{ keyid: "a", sig: "00" }],
  signed: {
    _type: "targets",
    version: 3,
    expires: "2030-01-01T00:00:00Z",
    targets: {
      "a/trusted_root.json": { length: 5, hashes: { sha256: "ab".repeat(32) } },
      "rekor.pub": { length: 5, hashes: { sha512: "ab".repeat(64) }, custom: { sigstore: {} } },
    },
  },
};

/** What a bundle says apart from white space, the key id, and a token's unsigned parts. */
const meaning = (text: string): string =>
  JSON.stringify(JSON.parse(text))
    .replace(/"keyid":"[^"]*"/, "")
    .replace(/"signedTimestamp":"[^"]*"/, "");

const texts = bundles.map((bytes) => new TextDecoder().decode(bytes));
const meanings = new Set(texts.map(meaning));

const pem = [leaf.certificate, WORLD.ca.intermediate, WORLD.ca.root].map(({ der }) =>
  formatPem("CERTIFICATE", der),
);

export const EVIDENCE: readonly Target[] = [
  target("bundle", bundles, parseBundle, stable(formatBundle, parseBundle)),
  target(
    "verifier",
    bundles,
    async (input) => {
      const bundle = parseBundle(input);
      if (!bundle.ok) return bundle;
      const verdict = await verify(inputOf(bundle.value));
      return verdict.verified ? ok(undefined) : fail(verdict.failure.code, verdict.failure.message);
    },
    (_, input) => {
      const text = new TextDecoder().decode(input);
      assert.ok(meanings.has(meaning(text)), "accepted with another meaning");
    },
  ),
  target(
    "attestation",
    [formatAttestation(attestation)],
    parseAttestation,
    stable(formatAttestation, parseAttestation),
  ),
  target(
    "attestations",
    [utf8(formatAttestations([attestation, attestation]))],
    parseAttestations,
    stable(formatAttestations, parseAttestations),
  ),
  target(
    "provenance object",
    [
      formatProvenance({
        bundles: [
          {
            publisher: {
              kind: "GitLab",
              repository: "acme/widgets",
              workflowFilepath: ".gitlab-ci.yml",
              environment: "release",
            },
            attestations: [attestation],
          },
        ],
      }),
    ],
    parseProvenance,
    stable(formatProvenance, parseProvenance),
  ),
  target(
    "signature file",
    [formatSignatureFile(signature), signature],
    parseSignatureFile,
    stable(formatSignatureFile, parseSignatureFile),
  ),
  target(
    "certificate file",
    [formatCertificateFile(leaf.certificate), leaf.certificate.der, utf8(pem[0]!)],
    parseCertificateFile,
    stable(formatCertificateFile, parseCertificateFile),
  ),
  target("cosign bundle", [cosignBundle], parseCosignBundle, (bundle) =>
    assert.equal(bundle.entries.length, 1),
  ),
  target(
    "trusted root",
    [utf8(PUBLIC_GOOD_ROOT), formatTrustedRoot(TRUST)],
    parseTrustedRoot,
    stable(formatTrustedRoot, parseTrustedRoot),
  ),
  target(
    "trust files",
    [utf8(pem.slice(1).join(""))],
    ofText((fulcio) => {
      const key = formatPem("PUBLIC KEY", WORLD.log.publicKey.spki);
      return trustFromFiles({ fulcio, rekor: key, ctfe: key });
    }),
  ),
  target(
    "signing config",
    [utf8(JSON.stringify(signingConfigJson(signingConfig)))],
    readSigningConfig,
    stable((config) => JSON.stringify(signingConfigJson(config)), readSigningConfig),
  ),
  target(
    "client trust config",
    [formatClientTrustConfig({ trustedRoot: TRUST, signingConfig })],
    parseClientTrustConfig,
    stable(formatClientTrustConfig, parseClientTrustConfig),
  ),
  target("TUF root", [utf8(PUBLIC_GOOD_TUF_ROOT)], (input) => parseTufMetadata(input, "root")),
  target(
    "TUF targets",
    [utf8(JSON.stringify(TUF_TARGETS))],
    (input) => parseTufMetadata(input, "targets"),
    ({ targets }) => {
      for (const name of targets.keys()) assert.doesNotMatch(name, /^\/|(^|\/)\.{0,2}(\/|$)|\\/);
    },
  ),
  target("statement", [statementOf()], parseStatement),
  target(
    "build record",
    [utf8(JSON.stringify(RECORD))],
    parseBuildRecord,
    stable(formatBuildRecord, parseBuildRecord),
  ),
  target("policy", [utf8(JSON.stringify(POLICY))], (input) => {
    const value = parseJson(input, 1 << 16, "policy");
    return value.ok ? readPolicy(value.value) : value;
  }),
];
