import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { NO_AUTH } from "../../src/clients/credentials.ts";
import { genericPackage } from "../../src/clients/generic.ts";
import { simpleIndex } from "../../src/clients/simple-index.ts";
import { parseAttestation } from "../../src/formats/attestation.ts";
import { unwrap } from "../../src/formats/result.ts";
import { evidenceSources } from "../../src/stages/served-evidence.ts";
import { fakeOutside } from "../clients/fake-outside.ts";

const vectors = new URL("../../../shared/vectors/pypi-attestations/", import.meta.url);
const skip = !existsSync(vectors) && "the shared vectors are not beside this repository";
const filename = "pypi_attestations-0.0.19.tar.gz";
const attestation = `${filename}.publish.attestation`;

/** Both registries in one: the index serves `provenance`, the generic registry `files`. */
const sources = async (provenance: string | undefined, files: Record<string, string>) => {
  const { outside } = fakeOutside(({ url }) => {
    if (url.endsWith("/provenance")) return new Response(provenance);
    const found = files[url.split("/").at(-1) ?? ""];
    return found === undefined ? new Response("", { status: 404 }) : new Response(found);
  });
  const served = provenance === undefined ? {} : { provenance: "https://index.test/provenance" };
  return evidenceSources(
    { filename, url: "https://index.test/f", ...served },
    {
      index: simpleIndex(outside, { url: "https://index.test/simple", auth: NO_AUTH }),
      evidence: genericPackage(outside, { url: "https://generic.test/a/1", auth: NO_AUTH }),
    },
  );
};

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

test("without provenance there is the generic registry alone", async () => {
  const [only, ...more] = unwrap(await sources(undefined, { [attestation]: "mine" }));
  assert.equal(more.length, 0);
  assert.equal(text(unwrap(await only!(attestation))), "mine");
  assert.equal(unwrap(await only!(`${filename}.sig`)), undefined);
});

describe("with a real provenance", { skip }, () => {
  const read = (name: string) => readFileSync(new URL(name, vectors), "utf8");

  test("the attestations it holds must verify too, each in place of the published one", async () => {
    const provenance = read(`${filename}.provenance`);
    const all = unwrap(await sources(provenance, { [attestation]: "mine" }));
    assert.equal(all.length, 2);
    assert.equal(text(unwrap(await all[0]!(attestation))), "mine");
    const served = unwrap(parseAttestation(unwrap(await all[1]!(attestation)) ?? ""));
    assert.deepEqual(served.statement, unwrap(parseAttestation(read(attestation))).statement);
  });

  test("they fill what the generic registry lacks", async () => {
    const [filled] = unwrap(await sources(read(`${filename}.provenance`), {}));
    assert.ok(parseAttestation(unwrap(await filled!(attestation)) ?? "").ok);
  });
});

test("a provenance that is none", async () => {
  for (const provenance of ["{}", "nonsense", '{"version":1,"attestation_bundles":[]}']) {
    assert.ok(!(await sources(provenance, {})).ok);
  }
});
