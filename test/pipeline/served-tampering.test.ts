import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { utf8 } from "../../src/formats/bytes.ts";
import { openTable, type RegistryTable } from "./registry-table.ts";
import {
  cli,
  expectOk,
  folder,
  OTHER,
  refuses,
  SDIST,
  WHEEL,
  withReleases,
} from "./tampering-support.ts";

withReleases();

/** What somebody with the registry's disk does before the outsider comes. */
type RegistryRow = readonly [what: string, tamper: (table: RegistryTable) => void, code: string];

/** Content of one of our folders. */
const content = (from: string, name: string): Buffer => readFileSync(join(folder(from), name));

/** Serves other content under a name, with the digest and size that belong to it. */
const serve = (table: RegistryTable, name: string, bytes: Uint8Array): void => {
  const blob = table.store(bytes);
  table.run(
    "UPDATE package_file SET blob = ?, sha256 = ?, size = ? WHERE file_name = ?",
    ...[blob, blob, bytes.length, name],
  );
};

const drop = (table: RegistryTable, name: string): void =>
  table.run("DELETE FROM package_file WHERE file_name = ?", name);

/** What the index serves by PEP 740 for a file. */
const attest = (table: RegistryTable, name: string, attestations: string | null): void =>
  table.run("UPDATE package_file SET attestations = ? WHERE file_name = ?", attestations, name);

const attestations = (from: string, name: string): string =>
  `[${["publish", "provenance"].map((kind) => content(from, `${name}.${kind}.attestation`)).join()}]`;

/** A row for each way to tamper with an evidence file in the generic registry. */
const evidence = (
  suffix: string,
  codes: { readonly garbage: string; readonly others: string },
): readonly RegistryRow[] => {
  const name = `${WHEEL}.${suffix}`;
  const attested = suffix.endsWith("attestation");
  // The index serves attestations too, and they stand in for what is gone from the other place.
  const both = (table: RegistryTable) => attested && attest(table, WHEEL, null);
  // One certificate is for all files of a batch.
  const swapped: RegistryRow = [
    `the registry serves the sdist's ${suffix}`,
    (table) => serve(table, name, content("one", `${SDIST}.${suffix}`)),
    codes.others,
  ];
  return [
    [
      `the registry serves garbage for ${suffix}`,
      (table) => serve(table, name, utf8("garbage")),
      codes.garbage,
    ],
    [
      `the content of ${suffix} on disk is changed`,
      (table) => writeFileSync(table.blobOf(name), "garbage"),
      codes.garbage,
    ],
    [
      `the registry serves another release's ${suffix}`,
      (table) => serve(table, name, content("two", `${OTHER}.${suffix}`)),
      codes.others,
    ],
    ...(suffix === "crt" ? [] : [swapped]),
    [
      `the registry serves the ${suffix} of other content`,
      (table) => serve(table, name, content("evil", name)),
      codes.others,
    ],
    [
      `${suffix} is gone`,
      (table) => {
        drop(table, name);
        both(table);
      },
      "EVIDENCE_MISSING",
    ],
  ];
};

const EVIL: (table: RegistryTable) => void = (table) => serve(table, WHEEL, content("evil", WHEEL));

const SERVED: readonly RegistryRow[] = [
  [
    "the wheel's bytes are changed on disk",
    (table) => appendFileSync(table.blobOf(WHEEL), "x"),
    "INDEX_DIGEST",
  ],
  [
    "the sdist's bytes are replaced on disk",
    (table) => writeFileSync(table.blobOf(SDIST), content("evil", SDIST)),
    "INDEX_DIGEST",
  ],
  [
    "the index names another digest",
    (table) =>
      table.run("UPDATE package_file SET sha256 = ? WHERE file_name = ?", "0".repeat(64), WHEEL),
    "INDEX_DIGEST",
  ],
  ["the wheel is replaced, and the index agrees", EVIL, "SIGNATURE_DIGEST"],

  [
    "the index page lists a file under another name",
    (table) =>
      table.run(
        "UPDATE package_file SET file_name = ? WHERE file_name = ?",
        "tiny_pkg-1.0-py2-none-any.whl",
        WHEEL,
      ),
    "DIST_METADATA",
  ],
  [
    "the index page lists one more wheel",
    (table) =>
      table.run(
        `INSERT INTO package_file (package_id, file_name, size, sha256, blob, created_at)
         SELECT package_id, ?, size, sha256, blob, created_at FROM package_file WHERE file_name = ?`,
        ...["tiny_pkg-1.0-1-py3-none-any.whl", WHEEL],
      ),
    "DIST_METADATA",
  ],

  [
    "the index page demands another Python",
    (table) =>
      table.run("UPDATE package_file SET requires_python = '>=2' WHERE file_name = ?", WHEEL),
    "DIST_SIDECAR",
  ],
  [
    "the core metadata beside the wheel asks for another dependency",
    (table) => {
      const blob = table.store(
        utf8("Metadata-Version: 2.1\nName: tiny.pkg\nVersion: 1.0\nRequires-Dist: evil\n"),
      );
      table.run("UPDATE package_file SET metadata = ? WHERE file_name = ?", blob, WHEEL);
    },
    "DIST_SIDECAR",
  ],
  [
    "the provenance of the index is empty",
    (table) => attest(table, WHEEL, "[]"),
    "ATTESTATION_EMPTY",
  ],
  [
    "the provenance of the index is garbage",
    (table) => attest(table, WHEEL, "[1]"),
    "ATTESTATION_FORMAT",
  ],
  [
    "the provenance of the index is another file's",
    (table) => attest(table, WHEEL, attestations("one", SDIST)),
    "STATEMENT_SUBJECT",
  ],
  [
    "the provenance of the index is of other content",
    (table) => attest(table, WHEEL, attestations("evil", WHEEL)),
    "STATEMENT_SUBJECT",
  ],
  ...evidence("sig", { garbage: "DETACHED_FORMAT", others: "DETACHED_MISMATCH" }),
  ...evidence("crt", { garbage: "DETACHED_FORMAT", others: "DETACHED_MISMATCH" }),
  ...evidence("sigstore.json", { garbage: "FORMAT_JSON", others: "SIGNATURE_DIGEST" }),
  ...evidence("publish.attestation", { garbage: "FORMAT_JSON", others: "STATEMENT_SUBJECT" }),
  ...evidence("provenance.attestation", { garbage: "FORMAT_JSON", others: "STATEMENT_SUBJECT" }),
];

/** Where the release was built here, so that its digests are known. */
const KNOWN: readonly RegistryRow[] = [
  ["the wheel is replaced, and the index agrees", EVIL, "INDEX_DIGEST"],
  [
    "the wheel is replaced with all its evidence too",
    (table) => {
      EVIL(table);
      for (const suffix of [
        "sig",
        "crt",
        "sigstore.json",
        "publish.attestation",
        "provenance.attestation",
      ])
        serve(table, `${WHEEL}.${suffix}`, content("evil", `${WHEEL}.${suffix}`));
      attest(table, WHEEL, attestations("evil", WHEEL));
    },
    "INDEX_DIGEST",
  ],
  ["the index page leaves the wheel out", (table) => drop(table, WHEEL), "INDEX_FILE"],
  ["the index page leaves the sdist out", (table) => drop(table, SDIST), "INDEX_FILE"],
];

describe("tampering with what is published", () => {
  before(async () => {
    await expectOk(cli("publish", folder("one")));
    await expectOk(cli("publish-signatures", folder("one")));
  });

  for (const [asked, rows] of [
    [["tiny-pkg==1.0"], SERVED],
    [["--from", folder("one")], KNOWN],
  ] as const) {
    for (const [what, tamper, code] of rows) {
      test(`${what}: consume ${asked[0]} says ${code}`, async () => {
        const table = openTable(folder("state"));
        tamper(table);
        try {
          await refuses(cli("consume", ...asked), code);
        } finally {
          table.restore();
        }
      });
    }
  }

  test("what was not touched is still consumed", async () => {
    const answer = await cli("consume", "--from", folder("one"));
    assert.equal(answer.code, 0, answer.err);
    assert.match(answer.out, /imported tiny_pkg/);
  });
});
