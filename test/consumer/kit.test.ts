import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { draftKit, type KitEntry } from "../../src/consumer/kit-export.ts";
import { unpackKit } from "../../src/consumer/kit-file.ts";
import { readKitPolicy } from "../../src/consumer/kit-policy.ts";
import { TAR_END, tarHead } from "../../src/consumer/kit-tar.ts";
import { checkKitAge, type KitExpectation, verifyKit } from "../../src/consumer/kit-verify.ts";
import { DEFAULT_LIMITS } from "../../src/dists/finding.ts";
import { walkTar } from "../../src/dists/tar.ts";
import { concat, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import type { Expected } from "../../src/verification/policy.ts";
import { signRelease } from "../cli/signed-release.ts";
import { makeWheel, SDIST, WHEEL } from "../stages/release-support.ts";
import {
  DAY,
  entryIn,
  forge,
  kitOf,
  MADE,
  type RawManifest,
  readBytes,
  type Unpacked,
  unpack,
} from "./kit-support.ts";

const folder = mkdtempSync(join(tmpdir(), "wheelseal-kit-test-"));
const release = await signRelease(folder);
await release.stack.close();
after(() => rmSync(folder, { recursive: true, force: true }));

const now = Date.now();
const expect: Expected = {
  kind: "identity",
  anyOf: [{ kind: "exact", san: release.san, issuer: release.issuer }],
};
const against = { expect, trust: release.trust, now };
const entries: KitEntry[] = [
  await entryIn(release.dist, WHEEL, against),
  await entryIn(release.dist, SDIST, against),
];
const sound = await kitOf(entries, against);

const verdictOf = async (bytes: Uint8Array, how: KitExpectation = against): Promise<string> => {
  const kit = unwrap(await readBytes(bytes));
  const codes = unwrap(await verifyKit(kit, how)).map(
    ({ verdict }) => verdict.failure?.code ?? "verified",
  );
  return [...new Set(codes)].join(" ");
};

test("a kit is read back as it was made, and verifies", async () => {
  const kit = unwrap(await readBytes(sound));
  assert.equal(kit.size, sound.length);
  assert.deepEqual(
    kit.manifest.packages.map(({ filename, verdict, signer }) => [filename, verdict, signer]),
    [WHEEL, SDIST].map((name) => [
      name,
      "verified",
      { identity: release.san, issuer: release.issuer },
    ]),
  );
  for (const { signedAt, logged } of kit.manifest.packages) {
    assert.equal(signedAt.length > 0 && logged.length > 0, true);
    assert.match(logged[0]?.checkpoint ?? "", /\n\n— /);
  }
  assert.equal(await verdictOf(sound), "verified");
  const [wheel] = unwrap(await verifyKit(kit, against));
  assert.equal(wheel?.requiresPython, ">=3.8");
});

test("the same content makes the same bytes", async () => {
  assert.deepEqual(await kitOf(entries.toReversed(), against), sound);
});

test("others read the archive: our own walk, and Python's", async () => {
  const names: string[] = [];
  const walked = await walkTar(
    (async function* () {
      yield sound;
    })(),
    DEFAULT_LIMITS,
    ({ path }) => {
      names.push(path);
      return () => undefined;
    },
  );
  assert.equal(walked.ok, true);
  assert.equal(names[0], "wheelseal-kit/manifest.json");
  assert.deepEqual(names, names.toSorted());
  const file = join(folder, "sound.kit");
  writeFileSync(file, sound);
  const script = "import sys,tarfile;print([(m.name,m.mtime) for m in tarfile.open(sys.argv[1])])";
  const listed = execFileSync("python3", ["-c", script, file], { encoding: "utf8" });
  assert.equal(listed.trim(), `[${names.map((name) => `('${name}', 0)`).join(", ")}]`);
});

test("a name that ustar has no room for is written in one way, and read by others", async () => {
  const long = `${"a".repeat(120)}-1.0-py3-none-any.whl`;
  const bytes = concat(tarHead(`packages/${long}`, 0), TAR_END);
  const file = join(folder, "long.tar");
  writeFileSync(file, bytes);
  const script = "import sys,tarfile;print(tarfile.open(sys.argv[1]).getnames())";
  const listed = execFileSync("python3", ["-c", script, file], { encoding: "utf8" });
  assert.equal(listed.trim(), `['wheelseal-kit/packages/${long}']`);
});

const files = (await unpack(sound)).files;
const reseal = (change: (kit: Unpacked) => void) => forge(sound, change);

const FORGERIES: Record<string, [string, (kit: { files: typeof files }) => void]> = {
  "another wheel": [
    "SIGNATURE_DIGEST",
    ({ files: all }) => all.set(`packages/${WHEEL}`, makeWheel("import os\n")),
  ],
  "a wheel that is none": [
    "DIST_ZIP",
    ({ files: all }) => all.set(`packages/${WHEEL}`, utf8("PK")),
  ],
  "no bundle": [
    "EVIDENCE_MISSING",
    ({ files: all }) => all.delete(`packages/${WHEEL}.sigstore.json`),
  ],
  "the evidence of another file": [
    "SIGNATURE_DIGEST",
    ({ files: all }) => {
      const other = all.get(`packages/${SDIST}.sigstore.json`) ?? utf8("");
      all.set(`packages/${WHEEL}.sigstore.json`, other);
    },
  ],
};

for (const [what, [code, change]] of Object.entries(FORGERIES)) {
  test(`a kit that was made anew with ${what}: ${code}`, async () => {
    assert.equal(await verdictOf(await reseal(change)), `${code} verified`);
  });
}

test("a kit by somebody else, with their own trust root inside, proves nothing", async () => {
  const theirs = join(folder, "theirs");
  const other = await signRelease(theirs);
  await other.stack.close();
  const who: Expected = {
    kind: "identity",
    anyOf: [{ kind: "exact", san: other.san, issuer: other.issuer }],
  };
  const how = { expect: who, trust: other.trust, now: Date.now() };
  const kit = await kitOf([await entryIn(other.dist, WHEEL, how)], how);
  assert.equal(await verdictOf(kit, how), "verified");
  assert.notEqual(await verdictOf(kit), "verified");
  assert.notEqual(await verdictOf(kit, { ...against, expect: who }), "verified");
});

const LIES: Record<string, (said: RawManifest["packages"][number]) => void> = {
  "another signer": (said) => {
    said.signer = { identity: "https://elsewhere.example/", issuer: release.issuer };
  },
  "no signer": (said) => {
    delete said.signer;
  },
  "another time": (said) => {
    said.signedAt = ["2020-01-01T00:00:00Z"];
  },
  "no log": (said) => {
    said.logged = [];
  },
};

for (const [what, lie] of Object.entries(LIES)) {
  test(`a manifest that tells of ${what}: KIT_MANIFEST`, async () => {
    const bytes = await reseal(({ manifest }) => manifest.packages.forEach(lie));
    const told = await verifyKit(unwrap(await readBytes(bytes)), against);
    assert.equal(told.ok ? "ok" : told.error.code, "KIT_MANIFEST");
  });
}

test("an attestation is enough where the kit and the site both say so", async () => {
  const dist = join(folder, "attested");
  cpSync(release.dist, dist, { recursive: true });
  for (const end of ["sigstore.json", "sig", "crt"]) rmSync(join(dist, `${WHEEL}.${end}`));
  const enough = { ...against, demands: "attested" as const };
  const entry = await entryIn(dist, WHEEL, enough);
  const said = await kitOf([{ ...entry, demands: "attested" }], against);
  assert.equal(await verdictOf(said, enough), "verified");
  assert.equal(await verdictOf(said), "EVIDENCE_MISSING");
  assert.equal(await verdictOf(await kitOf([entry], against), enough), "EVIDENCE_MISSING");
});

test("whom the site expects decides, not the policy in the kit", async () => {
  const other: Expected = {
    kind: "identity",
    anyOf: [{ kind: "exact", san: "https://elsewhere.example/", issuer: release.issuer }],
  };
  assert.equal(await verdictOf(sound, { ...against, expect: other }), "IDENTITY_MISMATCH");
});

test("the policy in a kit reads as a policy, and verifies it", async () => {
  const policy = unwrap(readKitPolicy(files.get("policy.json") ?? utf8("")));
  assert.equal(await verdictOf(sound, { ...against, expect: policy }), "verified");
});

test("a kit expires, and is not from the future", async () => {
  const kit = unwrap(await readBytes(sound));
  assert.equal(checkKitAge(kit, MADE), undefined);
  assert.equal(checkKitAge(kit, MADE + 90 * DAY - 1), undefined);
  assert.equal(checkKitAge(kit, MADE + 90 * DAY)?.code, "KIT_EXPIRED");
  assert.equal(checkKitAge(kit, MADE - DAY), undefined);
  assert.equal(checkKitAge(kit, MADE - DAY - 1)?.code, "KIT_EXPIRED");
});

test("nothing that did not verify goes into a kit, and no two files of one name", () => {
  const plan = {
    ...{ expect, trust: { from: "test", root: release.trust }, tool: "test" },
    ...{ createdAt: MADE, validFor: DAY },
  };
  const [wheel] = entries as [KitEntry];
  const code = (some: readonly KitEntry[]): string => {
    const kit = draftKit({ ...plan, entries: some });
    return kit.ok ? "ok" : kit.error.code;
  };
  const failure = { code: "SIGNATURE_INVALID", message: "no", hint: "" } as const;
  assert.equal(code([{ ...wheel, verdict: { ...wheel.verdict, failure } }]), "SIGNATURE_INVALID");
  const other = { ...wheel, verdict: { ...wheel.verdict, sha256: "0".repeat(64) } };
  assert.equal(code([wheel, other]), "KIT_PATH");
  assert.equal(code([wheel, wheel]), "ok");
  assert.equal(code([]), "DIST_EMPTY");
});

test("a kit that changes while it is unpacked leaves nothing", async () => {
  const kit = unwrap(await readBytes(sound));
  const late = new Map(kit.files);
  const path = `packages/${SDIST}`;
  const file = late.get(path);
  if (file === undefined) assert.fail("the sdist is there");
  const read = async (_offset: number, length: number) => new Uint8Array(length);
  late.set(path, { ...file, access: { size: file.size, read } });
  const changed = await unpackKit({ ...kit, files: late }, join(folder, "late"), []);
  assert.equal(changed.ok ? "ok" : changed.error.code, "KIT_DIGEST");
  writeFileSync(join(folder, "file"), "");
  const below = await unpackKit(kit, join(folder, "file", "below"), []);
  assert.equal(below.ok ? "ok" : below.error.code, "KIT_TARGET");
  const left = readdirSync(folder).filter((name) => name.includes("late"));
  assert.deepEqual(left, []);
});

test("a file that changes while it is packed: DIST_CHANGED", async () => {
  const [wheel] = entries as [KitEntry];
  const open = async function* () {
    yield new Uint8Array(wheel.verdict.size);
  };
  await assert.rejects(kitOf([{ ...wheel, open }], against), /DIST_CHANGED/);
});
