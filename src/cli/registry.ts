import {
  type CredentialVariables,
  genericAuth,
  pypiAuth,
  type RegistryAuth,
} from "../clients/credentials.ts";
import { type GenericPackage, genericPackage, genericPackageUrl } from "../clients/generic.ts";
import type { Outside } from "../clients/outside.ts";
import { type IndexAddress, type SimpleIndex, simpleIndex } from "../clients/simple-index.ts";
import { type UploadTarget, uploadTarget } from "../clients/upload.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Settings } from "./settings.ts";
import type { LocalStack } from "./stack.ts";

/** The registries of a project: where its releases and their signatures go and come from. */
export type Registry = {
  readonly target: () => Result<UploadTarget>;
  readonly index: () => Result<SimpleIndex>;
  /** Where the index is and how it is asked. */
  readonly indexAddress: () => Result<IndexAddress>;
  /** The generic package that holds the signatures of one release. */
  readonly evidence: (name: string, version: string) => Result<GenericPackage>;
  /** Whether attestations are sent along with an upload. */
  readonly takesAttestations: boolean;
};

/** The variables by which a GitLab job would find the local stack's registry. */
const localVariables = (stack: LocalStack): CredentialVariables & Settings["env"] => ({
  CI_API_V4_URL: `${stack.urls.gitlab}/api/v4`,
  CI_PROJECT_ID: stack.project.id,
  CI_JOB_TOKEN: stack.jobToken.reveal(),
});

/** The registries by the settings, or else GitLab's own by CI_API_V4_URL and CI_PROJECT_ID. */
export const registryOf = (
  settings: Settings,
  outside: Outside,
  stack: LocalStack | undefined,
): Registry => {
  const variables = stack === undefined ? settings.env : localVariables(stack);
  const project = projectUrl(variables);
  const index = settings.text("index-url") ?? (project && `${project}/pypi/simple`);
  const upload = settings.text("upload-url") ?? (project && `${project}/pypi`);
  const missing = (what: string, flag: string) =>
    fail("CONFIG", `no ${what} is known: give ${flag}, or CI_API_V4_URL and CI_PROJECT_ID`);
  const indexAddress = () =>
    index === undefined
      ? missing("index", "--index-url")
      : ok({ url: index, auth: readingAuth(variables, index, upload) });
  return {
    takesAttestations: upload?.includes("/api/v4/projects/") === true,
    target: () =>
      upload === undefined
        ? missing("upload URL", "--upload-url")
        : ok(uploadTarget(outside, { url: upload, auth: pypiAuth(variables, upload) })),
    indexAddress,
    index: () => {
      const address = indexAddress();
      return address.ok ? ok(simpleIndex(outside, address.value)) : address;
    },
    evidence: (name, version) => {
      const url = evidenceUrl(settings, project ?? besideIndex(index), name, version);
      if (!url.ok) return url;
      return ok(
        genericPackage(outside, { url: url.value, auth: genericAuth(variables, url.value) }),
      );
    },
  };
};

/** An upload's credentials are for where uploads go: another index is not shown them. */
const readingAuth = (
  variables: Settings["env"],
  index: string,
  upload: string | undefined,
): RegistryAuth => {
  const sameOrigin = URL.parse(index)?.origin === URL.parse(upload ?? "")?.origin;
  if (sameOrigin) return pypiAuth(variables, index);
  const { CI_API_V4_URL, CI_JOB_TOKEN, GITLAB_TOKEN } = variables;
  return pypiAuth({ CI_API_V4_URL, CI_JOB_TOKEN, GITLAB_TOKEN }, index);
};

const projectUrl = (variables: Settings["env"]): string | undefined => {
  const api = variables.CI_API_V4_URL;
  const id = variables.CI_PROJECT_ID;
  if (api === undefined || id === undefined || api === "" || id === "") return undefined;
  return `${api.replace(/\/+$/, "")}/projects/${encodeURIComponent(id)}/packages`;
};

/** A GitLab project index tells where that project's generic packages are. */
const besideIndex = (index: string | undefined): string | undefined =>
  /^(https?:\/\/.+\/projects\/[^/]+\/packages)\/pypi\/simple\/?$/.exec(index ?? "")?.[1];

const evidenceUrl = (
  settings: Settings,
  packages: string | undefined,
  name: string,
  version: string,
): Result<string> => {
  const given = settings.text("generic-url");
  if (given !== undefined) return ok(given);
  if (packages === undefined) {
    return fail("CONFIG", "it is not known where the signatures are: give --generic-url");
  }
  return genericPackageUrl(`${packages}/generic`, name, version);
};
