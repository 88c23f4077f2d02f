import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseTrustedRoot } from "../../src/formats/trusted-root.ts";
import { judge, said } from "./closure-support.ts";
import type { OpenStack } from "./hostile-upstream.ts";

const vectors = new URL("../../../shared/vectors/pypi-attestations/", import.meta.url);
const missing = existsSync(vectors) ? false : "the published attestations are not beside this tree";

const bytes = (name: string) => new Uint8Array(readFileSync(new URL(name, vectors)));

const GITHUB = "pypi_attestations-0.0.19.tar.gz";
const GITLAB = "gitlab_oidc_project-0.0.3.tar.gz";

/** What PyPI serves at `/integrity/…/provenance`; the publisher there is only the index's word. */
const provenanceOf = (filename: string): Uint8Array<ArrayBuffer> | string => {
  if (filename === GITHUB) return bytes(`${GITHUB}.provenance`);
  const attestation = JSON.parse(
    readFileSync(new URL(`${filename}.publish.attestation`, vectors), "utf8"),
  );
  const publisher = { kind: "GitLab", repository: "somebody/else", workflow_filepath: "x" };
  return JSON.stringify({
    version: 1,
    attestation_bundles: [{ publisher, attestations: [attestation] }],
  });
};

/** An index like PyPI that has these two files. */
const pypi = (async (input: string | URL | Request) => {
  const { pathname } = new URL(String(input));
  const filename = [GITHUB, GITLAB].find((one) => pathname.includes(one));
  if (filename !== undefined && pathname.endsWith("/provenance")) {
    return new Response(provenanceOf(filename));
  }
  if (filename !== undefined) return new Response(bytes(filename));
  const [, name = ""] = /\/simple\/([^/]+)\/$/.exec(pathname) ?? [];
  const listed = [GITHUB, GITLAB].filter((one) => one.startsWith(name.replaceAll("-", "_")));
  const files = listed.map((one) => ({
    filename: one,
    url: `/files/${one}`,
    hashes: { sha256: hex(sha256(bytes(one))) },
    provenance: `http://upstream.test/integrity/${one}/provenance`,
  }));
  const page = { meta: { "api-version": "1.3" }, name, files };
  const headers = { "content-type": "application/vnd.pypi.simple.v1+json" };
  return new Response(JSON.stringify(page), { headers });
}) as typeof globalThis.fetch;

const lockOf = (...files: readonly string[]): string => {
  const packages = files.map((filename) => {
    const [name = "", version = ""] = filename.replace(".tar.gz", "").split("-");
    const hashes = `{ sha256 = "${hex(sha256(bytes(filename)))}" }`;
    const sdist = `{ url = "http://upstream.test/files/${filename}", hashes = ${hashes} }`;
    return `[[packages]]\nname = "${name}"\nversion = "${version}"\nsdist = ${sdist}\n`;
  });
  return `lock-version = "1.0"\n${packages.join("\n")}`;
};

describe("files of pypi.org, by their published attestations", { skip: missing }, () => {
  const opened = { trust: unwrap(parseTrustedRoot(PUBLIC_GOOD_ROOT)) } as OpenStack;
  const upstream = { demands: "attested", index: "http://upstream.test/simple" };

  test("their publishers are told as PEP 740 names them, by the certificates", async () => {
    const judged = await judge(opened, pypi, lockOf(GITHUB, GITLAB), { upstream });
    assert.deepEqual(judged.files.map(said), ["signed nobody", "signed nobody"]);
    const [github, gitlab] = judged.files.map(({ identity }) => identity);
    assert.deepEqual(github, {
      kind: "GitHub",
      fields: { repository: "trailofbits/pypi-attestations", workflow: "release.yml" },
    });
    assert.equal(gitlab?.kind, "GitLab");
    const { repository, workflow_filepath: path, issuer } = gitlab?.fields ?? {};
    assert.deepEqual([repository, path], ["facutuesca/gitlab-oidc-project", ".gitlab-ci.yml"]);
    assert.equal(issuer, undefined, "gitlab.com is what the kind implies");
    assert.match(gitlab?.fields.project_id ?? "", /^\d+$/);
    await judged.remove();
  });

  test("a lock that another tool annotated by the index's word is held to the certificates", async () => {
    const identity = (repository: string) => `
[[packages.attestation-identities]]
kind = "GitHub"
repository = "${repository}"
workflow = "release.yml"
environment = "release"
`;
    const right = lockOf(GITHUB) + identity("trailofbits/pypi-attestations");
    const wrong = lockOf(GITHUB) + identity("trailofbits/other");
    for (const [lock, expected] of [
      [right, "verified lock"],
      [wrong, "refused lock LOCK_IDENTITY"],
    ] as const) {
      const judged = await judge(opened, pypi, lock, { upstream });
      assert.deepEqual(judged.files.map(said), [expected]);
      await judged.remove();
    }
  });
});
