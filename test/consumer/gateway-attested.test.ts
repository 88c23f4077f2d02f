import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseTrustedRoot } from "../../src/formats/trusted-root.ts";
import { gatewayFor } from "./gateway-support.ts";
import type { OpenStack } from "./hostile-upstream.ts";
import { startUpstream, type UpstreamServer } from "./upstream-server.ts";

const vectors = new URL("../../../shared/vectors/pypi-attestations/", import.meta.url);
const missing = existsSync(vectors) ? false : "the published attestations are not beside this tree";

const bytes = (name: string) => new Uint8Array(readFileSync(new URL(name, vectors)));

const GITHUB = "https://token.actions.githubusercontent.com";
const SDIST = "pypi_attestations-0.0.19.tar.gz";

type Provenance = { attestation_bundles: { publisher: Record<string, string> }[] };

/** Real files of PyPI, whom they are from, and their publish attestation. */
const REAL = [
  {
    project: "pypi-attestations",
    filename: SDIST,
    identity: {
      kind: "github",
      issuer: GITHUB,
      repository: "trailofbits/pypi-attestations",
      workflow: "release.yml",
    },
  },
  {
    project: "gitlab-oidc-project",
    filename: "gitlab_oidc_project-0.0.3.tar.gz",
    identity: {
      kind: "gitlab",
      issuer: "https://gitlab.com",
      project: "facutuesca/gitlab-oidc-project",
    },
  },
] as const;

describe("files and attestations of pypi.org", { skip: missing }, () => {
  let upstream: UpstreamServer;
  let gate: Awaited<ReturnType<typeof gatewayFor>>;

  /** What PyPI serves at `/integrity/…/provenance`. */
  const provenanceOf = (filename: string): Uint8Array | string => {
    if (filename === SDIST) return bytes(`${SDIST}.provenance`);
    const attestation = JSON.parse(
      readFileSync(new URL(`${filename}.publish.attestation`, vectors), "utf8"),
    );
    const publisher = { kind: "any", name: "the index's word" };
    return JSON.stringify({
      version: 1,
      attestation_bundles: [{ publisher, attestations: [attestation] }],
    });
  };

  const list = (project: string, filename: string, content = bytes(filename), of = filename) => {
    const provenance = `${upstream.origin}/integrity/${of}/provenance`;
    upstream.add(project, { filename, content, says: { provenance } });
  };

  const open = async (packages: object) => {
    const own = { name: "pypi", index: upstream.index, owns: ["*"], demands: "attested" };
    const config = { upstreams: [own] };
    const opened = { trust: unwrap(parseTrustedRoot(PUBLIC_GOOD_ROOT)) } as OpenStack;
    const policy = { packages };
    return gatewayFor(opened, { fetch: globalThis.fetch }, { config, policy });
  };

  const ask = async (project: string, filename: string): Promise<string> => {
    const headers = { accept: "application/vnd.pypi.simple.v1+json" };
    const page = await (await gate.ask(`/simple/${project}/`, { headers })).json();
    const { files } = page as { files: { filename: string; url: string }[] };
    const url = files.find((file) => file.filename === filename)?.url ?? "";
    const answer = await gate.ask(new URL(url, `http://g.test/simple/${project}/`).pathname);
    const content = new Uint8Array(await answer.arrayBuffer());
    if (answer.status === 200) assert.deepEqual(content, bytes(filename));
    return answer.headers.get("x-wheelseal-code") ?? "served";
  };

  before(async () => {
    upstream = await startUpstream();
    upstream.instead = ({ url }, response) => {
      const [, filename] = /^\/integrity\/([^/]+)\/provenance$/.exec(url ?? "") ?? [];
      if (filename === undefined) return false;
      response.setHeader("content-type", "application/vnd.pypi.integrity.v1+json");
      response.end(provenanceOf(filename));
      return true;
    };
    const packages = REAL.map(({ project, identity }) => [project, { identities: [identity] }]);
    gate = await open(Object.fromEntries(packages));
  });
  after(async () => {
    await gate?.remove();
    upstream?.close();
  });

  for (const { project, filename } of REAL) {
    test(`${filename} is served on its attestation alone`, async () => {
      list(project, filename);
      assert.equal(await ask(project, filename), "served");
    });
  }

  test("the page gives the provenance on, with the publisher by the certificate", async () => {
    const path = `/integrity/pypi-attestations/0.0.19/${SDIST}/provenance`;
    const provenance = (await (await gate.ask(path)).json()) as Provenance;
    const [bundle] = provenance.attestation_bundles;
    const { kind, repository, workflow } = bundle!.publisher;
    assert.deepEqual(
      [kind, repository, workflow],
      ["GitHub", "trailofbits/pypi-attestations", "release.yml"],
    );
  });

  const project = REAL[0].project;
  const STAGING = "rfc8785-0.1.2-py3-none-any.whl";
  const email = "william@yossarian.net";
  const refused: [string, string, object, () => void, string][] = [
    [
      "of the same content in other bytes",
      SDIST,
      REAL[0].identity,
      () => list(project, SDIST, new Uint8Array(gzipSync(gunzipSync(bytes(SDIST))))),
      "STATEMENT_SUBJECT",
    ],
    [
      "under the name of another release",
      SDIST.replace("0.0.19", "0.0.20"),
      REAL[0].identity,
      () => list(project, SDIST.replace("0.0.19", "0.0.20"), bytes(SDIST), SDIST),
      "DIST_TAR",
    ],
    [
      "by another repository than expected",
      SDIST,
      { ...REAL[0].identity, repository: "trailofbits/other" },
      () => list(project, SDIST),
      "IDENTITY_MISMATCH",
    ],
    [
      "that was signed in Sigstore's staging instance",
      STAGING,
      { kind: "email", email, issuer: "https://github.com/login/oauth" },
      () => list("rfc8785", STAGING),
      "TLOG_UNKNOWN_LOG",
    ],
  ];
  for (const [what, filename, identity, stage, code] of refused) {
    test(`a file ${what} is refused: ${code}`, async (context) => {
      const shared = gate;
      const name = filename === STAGING ? "rfc8785" : project;
      gate = await open({ [name]: { identities: [identity] } });
      context.after(async () => {
        await gate.remove();
        gate = shared;
      });
      stage();
      assert.equal(await ask(name, filename), code);
    });
  }
});
