import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outside } from "../../src/clients/outside.ts";
import { type RegistryOptions, registryService } from "../../src/services/registry.ts";
import type { RegistryCredential } from "../../src/services/registry-access.ts";

export const ORIGIN = "http://registry.test";
export const PACKAGES = `${ORIGIN}/api/v4/projects/1/packages`;
export const JOB_TOKEN = "glcbt-64-planted-job-token";
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

export const credentials: readonly RegistryCredential[] = [
  {
    kind: "job-token",
    secret: JOB_TOKEN,
    projects: ["1", "2"],
    rights: "write",
    publisher: {
      kind: "GitLab",
      repository: "acme/widgets",
      workflow_filepath: ".gitlab-ci.yml",
      environment: null,
    },
  },
  {
    kind: "personal-access-token",
    secret: "glpat-owner",
    projects: ["1", "2"],
    rights: "write",
  },
  { kind: "personal-access-token", secret: "glpat-stranger", projects: [], rights: "write" },
  {
    kind: "deploy-token",
    secret: "gldt-reader",
    username: "reader",
    projects: ["1", "2"],
    rights: "read",
  },
];

/** A registry with a public project 1 and a private project 2, in a folder of its own. */
export const testRegistry = (options: Partial<RegistryOptions> = {}) => {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "wheelseal-registry-"));
  const errors: unknown[] = [];
  const service = registryService({
    folder,
    projects: [
      { id: "1", path: "acme/widgets", visibility: "public" },
      { id: "2", path: "acme/secret", visibility: "private" },
    ],
    credentials,
    now: () => NOW,
    onError: (error) => errors.push(error),
    ...options,
  });
  const requests: Request[] = [];
  const outside: Outside = {
    fetch: (input, init) => {
      const request = new Request(input, init);
      requests.push(request);
      return service.fetch(request);
    },
    now: () => NOW,
    sleep: async () => {},
    random: (length) => new Uint8Array(length),
  };
  return {
    folder,
    service,
    /** What the registry thought to be bugs. */
    errors,
    requests,
    outside,
    fetch: (path: string, init?: RequestInit) =>
      service.fetch(
        new Request(path.startsWith("/") ? ORIGIN + path : `${PACKAGES}/${path}`, init),
      ),
    remove: () => {
      service.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export const basic = (username: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
});

export const asJob = basic("gitlab-ci-token", JOB_TOKEN);

type Fields = Record<string, string | undefined>;

/** The upload form; a field set to `undefined` is left out. */
export const uploadForm = (
  fields: Fields = {},
  content: string | Uint8Array<ArrayBuffer> | null = "content",
  filename = "greeter-1.0.0-py3-none-any.whl",
): FormData => {
  const form = new FormData();
  const all: Fields = {
    ":action": "file_upload",
    protocol_version: "1",
    name: "greeter",
    version: "1.0.0",
    ...fields,
  };
  for (const [name, value] of Object.entries(all)) {
    if (value !== undefined) form.append(name, value);
  }
  if (content !== null) form.append("content", new Blob([content]), filename);
  return form;
};
