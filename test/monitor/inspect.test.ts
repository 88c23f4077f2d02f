import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { base64, equal, hex, utf8 } from "../../src/formats/bytes.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { leafHash } from "../../src/formats/merkle.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { inspectEntry } from "../../src/monitor/inspect.ts";
import type { IdentityPolicy } from "../../src/verification/verdict.ts";
import { forgeAuthority, forgeLeaf, ISSUER, SAN, TRUST } from "../verification/forge.ts";
import { fakeTree } from "./fake-log.ts";
import { codes, digestOf, entryBy, MINE, openScene, others } from "./scene.ts";

const authorities = TRUST.certificateAuthorities;
const inspect = (body: Uint8Array, ...identities: IdentityPolicy[]) =>
  inspectEntry(
    { index: 7, body },
    { identities: identities.length > 0 ? identities : [MINE], authorities },
  );

const leaf = forgeLeaf();

test("what I signed is told with all that it says", async () => {
  const body = entryBy(leaf, "mine");
  const { mine, leafHash: hash, unreadable, impostors } = await inspect(body);
  assert.ok(equal(hash, leafHash(body)));
  assert.deepEqual([unreadable, impostors], [undefined, 0]);
  const [signed] = mine;
  assert.equal(signed?.kind, "hashedrekord 0.0.1");
  assert.equal(signed?.digest, digestOf("mine"));
  assert.equal(signed?.certificate.sha256, hex(sha256(leaf.certificate.der)));
  assert.equal(signed?.certificate.san, SAN);
  assert.equal(signed?.integratedTime, undefined);
  const second = await inspect(entryBy(leaf, "mine", "0.0.2"));
  assert.deepEqual(
    [second.mine[0]?.kind, second.mine[0]?.digest],
    ["hashedrekord 0.0.2", digestOf("mine")],
  );
});

const MATCHES: readonly [string, IdentityPolicy, boolean][] = [
  ["the project", MINE, true],
  [
    "the project at its tags",
    { ...MINE, kind: "gitlab", ref: "refs/tags/v*" } as IdentityPolicy,
    true,
  ],
  [
    "the project at its branches",
    { ...MINE, kind: "gitlab", ref: "refs/heads/*" } as IdentityPolicy,
    false,
  ],
  [
    "a project whose path begins so",
    { kind: "gitlab", issuer: ISSUER, project: "acme/widget" },
    false,
  ],
  ["a project above", { kind: "gitlab", issuer: ISSUER, project: "acme" }, false],
  [
    "another issuer",
    { kind: "gitlab", issuer: "https://gitlab.com", project: "acme/widgets" },
    false,
  ],
  ["the very name", { kind: "exact", issuer: ISSUER, san: SAN }, true],
  ["the name of another issuer", { kind: "exact", issuer: "https://gitlab.com", san: SAN }, false],
  ["a name that begins so", { kind: "exact", issuer: ISSUER, san: SAN.slice(0, -1) }, false],
];
for (const [name, identity, matches] of MATCHES) {
  test(`${matches ? "seen" : "passed over"} when watching ${name}`, async () => {
    assert.equal((await inspect(entryBy(leaf, "mine"), identity)).mine.length, matches ? 1 : 0);
  });
}

test("a certificate that nobody trusted issued is an impostor's, and no alarm", async () => {
  const forged = forgeLeaf({ ca: forgeAuthority("someone") });
  const { mine, impostors } = await inspect(entryBy(forged, "forged"));
  assert.deepEqual([mine, impostors], [[], 1]);
  const late = forgeLeaf({
    life: { notBefore: Date.parse("2040-01-01"), notAfter: Date.parse("2040-01-02") },
  });
  assert.equal((await inspect(entryBy(late, "after the authority's end"))).impostors, 1);
});

const pem = base64(utf8(formatPem("CERTIFICATE", leaf.certificate.der)));
const json = (value: unknown) => canonicalJson(value);

const UNREADABLE: readonly [string, Uint8Array, number][] = [
  ["no JSON", utf8("not an entry"), 0],
  ["nothing", new Uint8Array(), 0],
  ["no UTF-8", Uint8Array.of(0xff, 0xfe, 0), 0],
  ["deep nesting", utf8("[".repeat(100_000)), 0],
  ["many values", utf8(`[${"0,".repeat(1_100_000)}0]`), 0],
  [
    "an older kind that carries PEM",
    json({
      apiVersion: "0.0.1",
      kind: "rekord",
      spec: { signature: { publicKey: { content: pem } } },
    }),
    1,
  ],
  [
    "an older kind that carries DER",
    json({ apiVersion: "9", kind: "x", spec: base64(leaf.certificate.der) }),
    1,
  ],
  [
    "JSON that is not canonical",
    utf8(new TextDecoder().decode(entryBy(leaf, "x")).replace("{", "{ ")),
    1,
  ],
  [
    "a field more",
    json({ ...JSON.parse(new TextDecoder().decode(entryBy(leaf, "x"))), more: 1 }),
    1,
  ],
  [
    "many certificates",
    json({ apiVersion: "9", kind: "x", spec: Array.from({ length: 40 }, () => pem) }),
    16,
  ],
  ["base64 without end", utf8(`"${"MII".repeat(300_000)}"`), 0],
];
for (const [name, body, found] of UNREADABLE) {
  test(`unreadable: ${name}`, async () => {
    const { unreadable, mine } = await inspect(body);
    assert.notEqual(unreadable, undefined);
    assert.deepEqual([mine.length, mine.filter(({ digest }) => digest !== undefined)], [found, []]);
  });
}

test("a certificate that cannot be parsed makes its entry unreadable", async () => {
  const body = JSON.parse(new TextDecoder().decode(entryBy(leaf, "x", "0.0.2")));
  body.spec.hashedRekordV002.signature.verifier.x509Certificate.rawBytes = base64(
    utf8("no certificate"),
  );
  assert.notEqual((await inspect(json(body))).unreadable, undefined);
});

test("unreadable entries are counted, kept as they are up to a cap, and stop nothing", async () => {
  const tree = fakeTree(others(1));
  const scene = openScene(1, [tree]);
  await scene.pass();
  const junk = Array.from({ length: 130 }, (_, n) => utf8(`junk ${n}`));
  const old = json({ apiVersion: "0.0.1", kind: "rekord", spec: { content: pem } });
  tree.bodies.push(utf8("x".repeat(2 * 1024 * 1024)), ...junk, old, entryBy(leaf, "mine"));
  const pass = await scene.pass();
  assert.deepEqual(codes(pass), ["MONITOR_UNREADABLE", "MONITOR_UNKNOWN"]);
  assert.equal(pass.trees[0]?.counts.unreadable, 132);
  const kept = scene.kept();
  assert.equal(kept.length, 100);
  const first = kept.find((name) => name.endsWith("-2")) ?? "";
  assert.equal(readFileSync(join(scene.folder, "unreadable", first), "utf8"), "junk 0");
  scene.close();
});

test("an unreadable entry is known by its very leaf", async () => {
  const old = json({ apiVersion: "0.0.1", kind: "rekord", spec: { content: pem } });
  const scene = openScene(1, [fakeTree([old])]);
  scene.records.leaves.add(hex(leafHash(old)));
  assert.deepEqual(codes(await scene.pass({ start: { kind: "index", index: 0 } })), []);
  scene.close();
});
