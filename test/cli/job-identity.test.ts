import assert from "node:assert/strict";
import { test } from "node:test";
import type { Invocation } from "../../src/cli/command.ts";
import { expectedFor } from "../../src/cli/expectation.ts";
import { readSettings } from "../../src/cli/settings.ts";
import type { Trust } from "../../src/cli/trust.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { unwrap } from "../../src/formats/result.ts";

/** What GitLab sets in a job of every kind. */
const JOB = {
  CI_SERVER_URL: "https://gitlab.com",
  CI_PROJECT_PATH: "acme/widgets",
  CI_DEFAULT_BRANCH: "main",
};

const expected = async (env: Readonly<Record<string, string>>) => {
  const settings = unwrap(
    await readSettings({ flags: {}, env, project: "/nowhere", files: systemFiles }),
  );
  return expectedFor({} as Invocation, settings, {} as Trust);
};

const own = { kind: "gitlab", issuer: "https://gitlab.com", project: "acme/widgets" };

const JOBS: Record<string, [env: Record<string, string>, policy: Record<string, unknown>]> = {
  "a branch": [{ CI_COMMIT_BRANCH: "stable" }, { ...own, ref: "refs/heads/stable" }],
  "a tag": [{ CI_COMMIT_TAG: "v1" }, { ...own, ref: "refs/tags/v1" }],
  "a tag in a child pipeline": [
    { CI_COMMIT_TAG: "v1", CI_PIPELINE_SOURCE: "parent_pipeline" },
    { ...own, ref: "refs/tags/v1" },
  ],
  "another configuration path": [
    { CI_COMMIT_TAG: "v1", CI_CONFIG_PATH: "ci/release.yml" },
    { ...own, ref: "refs/tags/v1", configPath: "ci/release.yml" },
  ],
  "a self-managed instance": [
    { CI_COMMIT_TAG: "v1", CI_SERVER_URL: "https://gitlab.example.com" },
    { ...own, issuer: "https://gitlab.example.com", ref: "refs/tags/v1" },
  ],
  "an identity that is given": [
    {
      CI_COMMIT_TAG: "v1",
      CI_CONFIG_PATH: "ci.yml@acme/shared",
      CERTIFICATE_IDENTITY: "https://gitlab.com/acme/shared//ci.yml@refs/heads/main",
      CERTIFICATE_OIDC_ISSUER: "https://gitlab.com",
    },
    {
      kind: "exact",
      san: "https://gitlab.com/acme/shared//ci.yml@refs/heads/main",
      issuer: "https://gitlab.com",
    },
  ],
};

for (const [name, [env, policy]] of Object.entries(JOBS)) {
  test(`a job of ${name} is expected to have signed`, async () => {
    const found = unwrap(await expected({ ...JOB, ...env }));
    assert.deepEqual(found, { kind: "identity", anyOf: [policy] });
  });
}

for (const [name, env] of Object.entries({
  "a configuration in another project": { ...JOB, CI_CONFIG_PATH: "ci.yml@acme/shared" },
  "a configuration from a URL": { ...JOB, CI_CONFIG_PATH: "https://example.com/ci.yml" },
  "no GitLab job": {},
  "an identity without its issuer": { ...JOB, CERTIFICATE_IDENTITY: "https://gitlab.com/x" },
})) {
  test(`with ${name}, the identity must be given`, async () => {
    const found = await expected(env);
    assert.equal(found.ok ? "" : found.error.code, "IDENTITY_MISSING");
  });
}
