import assert from "node:assert/strict";
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { openTable } from "./registry-table.ts";
import {
  cli,
  folder,
  OTHER,
  RECORD,
  refuses,
  SDIST,
  WHEEL,
  withReleases,
} from "./tampering-support.ts";

withReleases();

/** What somebody does to the folder between two stages. */
type Tamper = (dist: string) => void;

const flip =
  (name: string, at = 0.5): Tamper =>
  (dist) => {
    const bytes = readFileSync(join(dist, name));
    const index = Math.floor(bytes.length * at);
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    writeFileSync(join(dist, name), bytes);
  };
const remove =
  (name: string): Tamper =>
  (dist) =>
    rmSync(join(dist, name));
const copy =
  (from: string, name: string, to: string): Tamper =>
  (dist) =>
    cpSync(join(folder(from), name), join(dist, to));
const garbage =
  (name: string): Tamper =>
  (dist) =>
    writeFileSync(join(dist, name), "garbage");
const edit =
  (name: string, change: (text: string) => string): Tamper =>
  (dist) => {
    const text = readFileSync(join(dist, name), "utf8");
    const changed = change(text);
    assert.notEqual(changed, text, "the edit changes nothing");
    writeFileSync(join(dist, name), changed);
  };

type Row = readonly [what: string, tamper: Tamper, code: string];

/** Between build and sign. */
const UNSIGNED: readonly Row[] = [
  ["the wheel is changed", flip(WHEEL), "DIST_CHANGED"],
  ["the wheel is replaced by a sound one", copy("evil", WHEEL, WHEEL), "DIST_CHANGED"],
  ["the sdist is changed", flip(SDIST), "DIST_CHANGED"],
  ["the wheel is gone", remove(WHEEL), "DIST_CHANGED"],
  ["another wheel comes along", copy("two", OTHER, OTHER), "DIST_CHANGED"],
  ["the record is gone", remove(RECORD), "BUILD_RECORD"],
  ["the record is garbage", garbage(RECORD), "FORMAT_JSON"],
  ["the record is another build's", copy("evil", RECORD, RECORD), "DIST_CHANGED"],
];

/** Between sign and verify, verify and publish, publish and publish-signatures. */
const SIGNED: readonly Row[] = [
  ["the wheel is changed", flip(WHEEL), "DIST_ZIP"],
  ["the wheel is replaced by a sound one", copy("evil", WHEEL, WHEEL), "SIGNATURE_DIGEST"],
  ["the wheel gets a trailer", (dist) => appendFileSync(join(dist, WHEEL), "x"), "DIST_ZIP"],
  ["the sdist is changed", flip(SDIST), "DIST_TAR"],
  ["the sdist is replaced by a sound one", copy("evil", SDIST, SDIST), "SIGNATURE_DIGEST"],
  ["the wheel is gone", remove(WHEEL), "DIST_CHANGED"],
  ["an unsigned wheel comes along", copy("two", OTHER, OTHER), "EVIDENCE_MISSING"],
  ["the record is garbage", garbage(RECORD), "FORMAT_JSON"],
  ["the record is another build's", copy("evil", RECORD, RECORD), "DIST_CHANGED"],
  [
    "the record leaves the wheel out",
    edit(RECORD, (text) => text.replace(WHEEL, SDIST)),
    "DIST_CHANGED",
  ],
  ...[WHEEL, SDIST].flatMap((name): Row[] => [
    [`${name}.sig is garbage`, garbage(`${name}.sig`), "DETACHED_FORMAT"],
    [`${name}.sig is gone`, remove(`${name}.sig`), "EVIDENCE_MISSING"],
    [`${name}.sig is another's`, copy("evil", `${name}.sig`, `${name}.sig`), "DETACHED_MISMATCH"],
    [`${name}.crt is garbage`, garbage(`${name}.crt`), "DETACHED_FORMAT"],
    [`${name}.crt is gone`, remove(`${name}.crt`), "EVIDENCE_MISSING"],
    [`${name}.crt is another's`, copy("evil", `${name}.crt`, `${name}.crt`), "DETACHED_MISMATCH"],
    [`${name}.sigstore.json is garbage`, garbage(`${name}.sigstore.json`), "FORMAT_JSON"],
    [`${name}.sigstore.json is gone`, remove(`${name}.sigstore.json`), "EVIDENCE_MISSING"],
    [
      `${name}.sigstore.json is another's`,
      copy("evil", `${name}.sigstore.json`, `${name}.sigstore.json`),
      "SIGNATURE_DIGEST",
    ],
    ...["publish", "provenance"].flatMap((kind): Row[] => {
      const file = `${name}.${kind}.attestation`;
      return [
        [`${file} is garbage`, garbage(file), "FORMAT_JSON"],
        [`${file} is gone`, remove(file), "EVIDENCE_MISSING"],
        [`${file} is another's`, copy("evil", file, file), "STATEMENT_SUBJECT"],
      ];
    }),
  ]),
  [
    "provenance stands for the publish attestation",
    copy("one", `${WHEEL}.provenance.attestation`, `${WHEEL}.publish.attestation`),
    "STATEMENT_PREDICATE",
  ],
  [
    "the certificate in the bundle is another's",
    (dist) => {
      const [own, other] = [dist, folder("evil")].map((from) =>
        JSON.parse(readFileSync(join(from, `${WHEEL}.sigstore.json`), "utf8")),
      );
      own.verificationMaterial.certificate = other.verificationMaterial.certificate;
      writeFileSync(join(dist, `${WHEEL}.sigstore.json`), JSON.stringify(own));
    },
    "TLOG_BODY",
  ],
  [
    "the log entry in the bundle is another's",
    (dist) => {
      const [own, other] = [dist, folder("evil")].map((from) =>
        JSON.parse(readFileSync(join(from, `${WHEEL}.sigstore.json`), "utf8")),
      );
      own.verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries;
      writeFileSync(join(dist, `${WHEEL}.sigstore.json`), JSON.stringify(own));
    },
    "TLOG_BODY",
  ],
];

const tampered = (from: string, tamper: Tamper): string => {
  const dist = folder("tampered");
  rmSync(dist, { recursive: true, force: true });
  cpSync(folder(from), dist, { recursive: true });
  tamper(dist);
  return dist;
};

describe("tampering between build and sign", () => {
  for (const [what, tamper, code] of UNSIGNED) {
    test(`${what}: sign says ${code}, and writes nothing`, async () => {
      const dist = tampered("one-built", tamper);
      const names = readdirSync(dist);
      await refuses(cli("sign", dist), code);
      assert.deepEqual(readdirSync(dist), names);
    });
  }
});

describe("tampering with what is signed", () => {
  for (const [what, tamper, code] of SIGNED) {
    test(`${what}: verify, publish and publish-signatures say ${code}`, async () => {
      const dist = tampered("one", tamper);
      for (const stage of ["verify", "publish", "publish-signatures"]) {
        await refuses(cli(stage, dist), code);
      }
      assert.deepEqual(openTable(folder("state")).rows(), [], "nothing was sent");
    });
  }
});
