import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/formats/bytes.ts";
import { PUBLIC_GOOD_TUF_ROOT } from "../../src/formats/public-good-tuf-root.ts";
import { unwrap } from "../../src/formats/result.ts";
import { MAX_TUF_BYTES, parseTufMetadata, type TufKind } from "../../src/formats/tuf.ts";
import { isSignedUnder, readTufDocument } from "../../src/services/tuf-metadata.ts";

// biome-ignore lint/suspicious/noExplicitAny: documents are broken in every way
type Loose = any;

const HASHES = { sha256: "ab".repeat(32) };
const FILE = { length: 3, hashes: HASHES };
const ROLE = { keyids: ["a"], threshold: 1 };

const valid: Readonly<Record<TufKind, () => Loose>> = {
  root: () => ({
    signatures: [{ keyid: "a", sig: "" }],
    signed: {
      _type: "root",
      version: 1,
      expires: "2030-01-01T00:00:00Z",
      consistent_snapshot: true,
      keys: { a: { keyval: { public: "A" } }, b: { keyval: { public: "B" } } },
      roles: {
        root: { keyids: ["a", "b"], threshold: 2 },
        timestamp: ROLE,
        snapshot: ROLE,
        targets: ROLE,
      },
    },
  }),
  timestamp: () => ({
    signatures: [],
    signed: { _type: "timestamp", version: 1, expires: "2030-01-01T00:00:00Z" },
  }),
  snapshot: () => ({
    signatures: [],
    signed: { _type: "snapshot", version: 7, expires: "2030-01-01T00:00:00Z" },
  }),
  targets: () => ({
    signatures: [],
    signed: {
      _type: "targets",
      version: 1,
      expires: "2030-01-01T00:00:00Z",
      targets: { "trusted_root.json": FILE, "deeper/file": FILE },
    },
  }),
};

const parse = (document: unknown, kind: TufKind) =>
  parseTufMetadata(utf8(JSON.stringify(document)), kind);

test("what each kind states", () => {
  for (const kind of ["root", "timestamp", "snapshot", "targets"] as const) {
    const metadata = unwrap(parse(valid[kind](), kind));
    assert.equal(metadata.kind, kind);
    assert.equal(metadata.version, kind === "snapshot" ? 7 : 1);
    assert.equal(metadata.expires, Date.UTC(2030, 0, 1));
    assert.deepEqual(
      [...metadata.targets.keys()],
      kind === "targets" ? ["trusted_root.json", "deeper/file"] : [],
    );
  }
});

test("the public-good root that is built in, and its signatures", () => {
  const bytes = utf8(PUBLIC_GOOD_TUF_ROOT);
  const root = unwrap(parseTufMetadata(bytes, "root"));
  assert.equal(root.version, 15);
  assert.equal(root.expires, Date.UTC(2026, 10, 20, 13, 58, 18));
  const document = readTufDocument.root(bytes)!;
  assert.ok(isSignedUnder(document, document));
});

const refused: readonly [name: string, kind: TufKind, change: (document: Loose) => void][] = [
  ["another kind", "timestamp", ({ signed }) => Object.assign(signed, { _type: "snapshot" })],
  ["version 0", "timestamp", ({ signed }) => Object.assign(signed, { version: 0 })],
  ["half a version", "timestamp", ({ signed }) => Object.assign(signed, { version: 1.5 })],
  ["no version", "timestamp", ({ signed }) => delete signed.version],
  ["no end", "timestamp", ({ signed }) => delete signed.expires],
  [
    "an end that is no time",
    "timestamp",
    ({ signed }) => Object.assign(signed, { expires: "soon" }),
  ],
  ["no signatures", "timestamp", (document) => delete document.signatures],
  [
    "a key id that signed twice",
    "timestamp",
    (document) => Object.assign(document, { signatures: [{ keyid: "a" }, { keyid: "a" }] }),
  ],
  [
    "endless signatures",
    "timestamp",
    (document) => {
      document.signatures = Array.from({ length: 257 }, (_, at) => ({ keyid: `${at}` }));
    },
  ],
  ["threshold 0", "root", ({ signed }) => Object.assign(signed.roles.root, { threshold: 0 })],
  ["threshold -1", "root", ({ signed }) => Object.assign(signed.roles.targets, { threshold: -1 })],
  [
    "a threshold above the keys",
    "root",
    ({ signed }) => Object.assign(signed.roles.root, { threshold: 3 }),
  ],
  [
    "a key id twice",
    "root",
    ({ signed }) => Object.assign(signed.roles.root, { keyids: ["a", "a"] }),
  ],
  [
    "a key under two ids",
    "root",
    ({ signed }) => Object.assign(signed.keys.b.keyval, { public: "A" }),
  ],
  ["a key that is not there", "root", ({ signed }) => delete signed.keys.b],
  ["a missing role", "root", ({ signed }) => delete signed.roles.snapshot],
  ["no word on consistent snapshots", "root", ({ signed }) => delete signed.consistent_snapshot],
  ["no targets", "targets", ({ signed }) => delete signed.targets],
  ...[
    "../up",
    "a/../../up",
    "/root",
    "a//b",
    ".",
    "a/.",
    "",
    "a\\..\\b",
    "c:x",
    "a\u0000",
    "%2e%2e/up",
    "a?b",
    "a#b",
  ].map((name): [string, TufKind, (document: Loose) => void] => [
    `a target called ${JSON.stringify(name)}`,
    "targets",
    ({ signed }) => Object.assign(signed.targets, { [name]: FILE }),
  ]),
  [
    "a target without a digest",
    "targets",
    ({ signed }) => (signed.targets.x = { length: 1, hashes: {} }),
  ],
  [
    "a target with a weak digest alone",
    "targets",
    ({ signed }) => (signed.targets.x = { length: 1, hashes: { md5: "ab".repeat(16) } }),
  ],
  [
    "a digest cut short",
    "targets",
    ({ signed }) => (signed.targets.x = { length: 1, hashes: { sha256: "ab".repeat(31) } }),
  ],
  [
    "a digest that is none",
    "targets",
    ({ signed }) => (signed.targets.x = { length: 1, hashes: { sha512: "zz".repeat(64) } }),
  ],
  [
    "a target of negative length",
    "targets",
    ({ signed }) => (signed.targets.x = { ...FILE, length: -1 }),
  ],
];

for (const [name, kind, change] of refused) {
  test(`refused: ${name}`, () => {
    const document = valid[kind]();
    change(document);
    const metadata = parse(document, kind);
    assert.equal(metadata.ok ? "accepted" : metadata.error.code, "TUF_INVALID");
  });
}

test("refused: duplicate JSON keys, other encodings, and more bytes than the kind may have", () => {
  const text = JSON.stringify(valid.timestamp());
  const inputs = [
    utf8(text.replace('"version":1', '"version":1,"version":2')),
    Uint8Array.of(0xff, ...utf8(text)),
    utf8(text + " ".repeat(MAX_TUF_BYTES.timestamp)),
  ];
  assert.ok(parseTufMetadata(utf8(text), "timestamp").ok);
  for (const input of inputs) {
    const metadata = parseTufMetadata(input, "timestamp");
    assert.equal(metadata.ok ? "accepted" : metadata.error.code, "TUF_INVALID");
  }
});
