import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemFiles } from "../../src/clients/files.ts";
import { type IdentitySource, identityFromVariables } from "../../src/clients/identity.ts";
import { parseAttestation } from "../../src/formats/attestation.ts";
import { parseBundle } from "../../src/formats/bundle.ts";
import { base64, fromBase64, fromUtf8 } from "../../src/formats/bytes.ts";
import { parseCertificateFile } from "../../src/formats/detached.ts";
import { requiredEvidence } from "../../src/formats/evidence.ts";
import { fail, unwrap } from "../../src/formats/result.ts";
import { parseStatement } from "../../src/formats/statement.ts";
import { type SignClients, sign } from "../../src/stages/2-sign.ts";
import {
  builtFolder,
  COMMIT,
  clientsOf,
  codeOf,
  openStack,
  outside,
  SDIST,
  type SignCase,
  signFreshWith,
  WHEEL,
} from "./sign-support.ts";

const opened = await openStack();
const { stack, trust } = opened;
after(opened.close);
const signFresh = signFreshWith(opened);

const text = (bytes: Uint8Array) => unwrap(fromUtf8(bytes));

test("each distribution gets all its evidence, and signing again keeps it", async () => {
  const { result, again, left, read, remove } = await signFresh();
  const signed = unwrap(result);
  assert.deepEqual(
    signed.map((each) => [each.filename, each.kept, each.evidence]),
    [WHEEL, SDIST].map((name) => [name, false, requiredEvidence(name)]),
  );
  for (const name of [WHEEL, SDIST].flatMap(requiredEvidence)) assert.ok(left.includes(name));
  const bundle = await read(`${WHEEL}.sigstore.json`);
  assert.deepEqual(
    unwrap(await again()).map((each) => each.kept),
    [true, true],
  );
  assert.deepEqual(await read(`${WHEEL}.sigstore.json`), bundle);
  assert.deepEqual(
    unwrap(await again({ force: true })).map((each) => each.kept),
    [false, false],
  );
  assert.notDeepEqual(await read(`${WHEEL}.sigstore.json`), bundle);
  await remove();
});

test("the detached files are cosign's: one line of base64 and no newline", async () => {
  const { read, remove } = await signFresh();
  const signature = unwrap(fromBase64(text(await read(`${WHEEL}.sig`))));
  const pem = text(unwrap(fromBase64(text(await read(`${WHEEL}.crt`)))));
  assert.match(pem, /^-----BEGIN CERTIFICATE-----\n[\s\S]+\n-----END CERTIFICATE-----\n$/);
  const bundle = unwrap(parseBundle(await read(`${WHEEL}.sigstore.json`)));
  assert.ok(bundle.content.kind === "message-signature");
  assert.deepEqual(bundle.content.signature, signature);
  assert.equal(bundle.timestamps.length, 1);
  assert.equal(bundle.entries.length, 1);
  await remove();
});

test("the batch has one certificate; on request each file has its own", async () => {
  const certificates = async (input: SignCase) => {
    const { read, remove } = await signFresh(input);
    const both = [await read(`${WHEEL}.crt`), await read(`${SDIST}.crt`)];
    await remove();
    return both;
  };
  const [wheel, sdist] = await certificates({});
  assert.deepEqual(wheel, sdist);
  const [first, second] = await certificates({ certificatePerFile: true });
  assert.notDeepEqual(first, second);
});

test("a certificate about to end is renewed", async () => {
  let now = Date.now();
  const world = { ...outside, now: () => now };
  const dist = await builtFolder();
  const { clients } = clientsOf(stack, {}, world);
  let issued = 0;
  const fulcio: SignClients["fulcio"] = {
    certify: async (request) => {
      issued += 1;
      const chain = await clients.fulcio.certify(request);
      if (issued === 1) now += 9.5 * 60_000;
      return chain;
    },
  };
  unwrap(await sign({ folder: dist.folder, trust, force: true }, { ...clients, fulcio }));
  // The wheel and the sdist asked together, found the first one ending, and share the second.
  assert.equal(issued, 2);
  await dist.remove();
});

test("the attestations are about the file, by name and digest", async () => {
  const { read, result, remove } = await signFresh();
  const [wheel] = unwrap(result);
  const statementOf = async (kind: string) =>
    unwrap(
      parseStatement(
        unwrap(parseAttestation(await read(`${WHEEL}.${kind}.attestation`))).statement,
      ),
    );
  const publish = await statementOf("publish");
  assert.deepEqual(publish.subjects, [{ name: WHEEL, digest: { sha256: wheel?.sha256 } }]);
  assert.equal(publish.predicate, null);
  const { predicate } = (await statementOf("provenance")) as {
    predicate: { buildDefinition: { resolvedDependencies: { uri: string; digest?: object }[] } };
  };
  const { resolvedDependencies } = predicate.buildDefinition;
  assert.deepEqual(resolvedDependencies[0]?.digest, { gitCommit: COMMIT });
  assert.equal(resolvedDependencies.at(-1)?.uri, "pkg:pypi/trove-classifiers@2025.1%2Bx");
  await remove();
});

test("a CycloneDX document beside a file is attested", async () => {
  const { result, again, read, folder, remove } = await signFresh({
    change: (dist) => writeFile(join(dist, `${WHEEL}.cdx.json`), '{"bomFormat":"CycloneDX"}'),
  });
  assert.ok(unwrap(result)[0]?.evidence.includes(`${WHEEL}.sbom.attestation`));
  const { statement } = unwrap(parseAttestation(await read(`${WHEEL}.sbom.attestation`)));
  assert.deepEqual(unwrap(parseStatement(statement)).predicate, { bomFormat: "CycloneDX" });
  assert.equal(unwrap(await again())[0]?.kept, true);
  await rm(join(folder, `${WHEEL}.sbom.attestation`));
  assert.equal(unwrap(await again())[0]?.kept, false);
  await remove();
});

test("without a build record there is no provenance, and only when that is asked for", async () => {
  const refusedRun = await signFresh({ record: false });
  assert.equal(codeOf(refusedRun.result), "BUILD_RECORD");
  assert.deepEqual(refusedRun.left, refusedRun.before);
  const { result, again, left, remove } = await signFresh({ record: false, withoutRecord: true });
  unwrap(result);
  assert.equal(left.length, 2 + 2 * 4);
  assert.equal(left.filter((name) => name.includes("provenance")).length, 0);
  assert.equal(unwrap(await again())[0]?.kept, true);
  await refusedRun.remove();
  await remove();
});

const without = (name: string) => (folder: string) => rm(join(folder, name));
const writing = (name: string, content: string) => (folder: string) =>
  writeFile(join(folder, name), content);

const nobody: IdentitySource = identityFromVariables({ A: " " }, ["A", "B"], {
  audience: "sigstore",
  now: () => Date.now(),
});

const plantedToken = (change: Record<string, unknown>): IdentitySource => {
  const claims = {
    iss: "https://gitlab.example",
    sub: "project_path:a/b",
    aud: "sigstore",
    exp: Math.floor(Date.now() / 1000) + 300,
    secret: "PLANTED",
    ...change,
  };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "RS256" })}.${part(claims)}.UExBTlRFRA`;
  const demand = { audience: "sigstore", now: () => Date.now() };
  return identityFromVariables({ SIGSTORE_ID_TOKEN: token }, ["SIGSTORE_ID_TOKEN"], demand);
};

const refusals: [what: string, code: string, made: SignCase][] = [
  ["a file changed after the build", "DIST_CHANGED", { change: writing(WHEEL, "other") }],
  ["a file of the record missing", "DIST_CHANGED", { change: without(SDIST) }],
  ["a file the record does not know", "DIST_CHANGED", { change: writing("x-1.tar.gz", "x") }],
  ["a malformed record", "BUILD_RECORD", { change: writing("wheelseal-build.json", "{}") }],
  ["no token", "TOKEN_MISSING", { clients: { identity: nobody } }],
  ["an expired token", "TOKEN_EXPIRED", { clients: { identity: plantedToken({ exp: 1 }) } }],
  ["another audience", "TOKEN_AUDIENCE", { clients: { identity: plantedToken({ aud: "b" }) } }],
  [
    "a token that the authority refuses",
    "FULCIO_REFUSED",
    { clients: { identity: plantedToken({}) } },
  ],
  ["a build from another commit", "SIGN_SOURCE", { commit: "f".repeat(40) }],
  [
    "another signer than expected",
    "SIGN_SELF_CHECK",
    {
      expect: {
        kind: "identity",
        anyOf: [{ kind: "exact", san: "https://x", issuer: "https://y" }],
      },
    },
  ],
  ["a trust root without the log", "SIGN_SELF_CHECK", { trust: { ...trust, tlogs: trust.ctlogs } }],
];

for (const [what, code, made] of refusals) {
  test(`${what}: ${code}, and nothing is written`, async () => {
    const { result, left, before, events, remove } = await signFresh(made);
    assert.equal(codeOf(result), code);
    assert.deepEqual(left, before);
    assert.equal(events.at(-1)?.kind, "failed");
    assert.doesNotMatch(JSON.stringify([result, events]), /PLANTED|UExBTlRFRA|eyJ/);
    await remove();
  });
}

test("an empty folder is no success", async () => {
  const { result, remove } = await signFresh({
    record: false,
    withoutRecord: true,
    change: async (folder) => {
      await rm(join(folder, WHEEL));
      await rm(join(folder, SDIST));
    },
  });
  assert.equal(codeOf(result), "DIST_EMPTY");
  await remove();
});

test("without a timestamp authority the log alone gives the time", async () => {
  const dist = await builtFolder();
  const { tsa: _, ...clients } = clientsOf(stack).clients;
  unwrap(await sign({ folder: dist.folder, trust }, clients));
  assert.deepEqual(unwrap(parseBundle(await dist.read(`${WHEEL}.sigstore.json`))).timestamps, []);
  await dist.remove();
});

test("a write that fails takes the file's other evidence back; a second run completes", async () => {
  const files: SignClients["files"] = {
    ...systemFiles,
    write: async (path, content) =>
      path.endsWith(".publish.attestation")
        ? fail("FILE_UNWRITABLE", `${path}: ENOSPC`)
        : systemFiles.write(path, content),
  };
  const { result, left, before, again, remove } = await signFresh({ clients: { files } });
  assert.equal(codeOf(result), "FILE_UNWRITABLE");
  assert.deepEqual(left, before);
  assert.equal(unwrap(await again()).filter((each) => each.kept).length, 0);
  await remove();
});

const damages: [string, (folder: string, name: string) => Promise<unknown>][] = [
  ["missing", (folder, name) => rm(join(folder, name))],
  ["empty", (folder, name) => writeFile(join(folder, name), "")],
  ["another", (folder, name) => writeFile(join(folder, name), base64(new Uint8Array(70)))],
];

for (const [what, damage] of damages) {
  test(`a set with any file ${what} is made anew`, async () => {
    const { folder, again, remove } = await signFresh();
    for (const name of requiredEvidence(WHEEL)) {
      await damage(folder, name);
      const signed = unwrap(await again());
      assert.deepEqual(
        signed.map((each) => each.kept),
        [false, true],
        name,
      );
    }
    await remove();
  });
}

test("a file that changes between its digest and its signature is refused", async () => {
  const files: SignClients["files"] = {
    ...systemFiles,
    artifact: async (path) => {
      const artifact = await systemFiles.artifact(path);
      if (artifact.ok && path.endsWith(".whl")) await writeFile(path, "swapped");
      return artifact;
    },
  };
  const { result, left, remove } = await signFresh({ clients: { files } });
  assert.equal(codeOf(result), "DIST_CHANGED");
  assert.ok(!left.includes(`${WHEEL}.sig`));
  await remove();
});

test("the certificate in .crt is the leaf that the bundle carries", async () => {
  const { read, remove } = await signFresh();
  const { material } = unwrap(parseBundle(await read(`${SDIST}.sigstore.json`)));
  assert.ok(material.kind === "certificate");
  const detached = unwrap(parseCertificateFile(await read(`${SDIST}.crt`)));
  assert.deepEqual(detached.der, material.certificate.der);
  await remove();
});
