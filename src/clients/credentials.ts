import { base64, utf8 } from "../formats/bytes.ts";

/** A value that prints as `[secret]` wherever it ends up; only `reveal` gives it away. */
export type Secret = {
  readonly reveal: () => string;
  readonly toString: () => string;
  readonly toJSON: () => string;
};

const HIDDEN = "[secret]";

export const secret = (value: string): Secret => {
  const hidden = () => HIDDEN;
  const wrapped = { reveal: () => value, toString: hidden, toJSON: hidden };
  return Object.assign(wrapped, { [Symbol.for("nodejs.util.inspect.custom")]: hidden });
};

/** How a registry is asked. */
export type RegistryAuth =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly username: string; readonly password: Secret }
  | {
      readonly kind: "header";
      readonly name: "JOB-TOKEN" | "PRIVATE-TOKEN" | "DEPLOY-TOKEN";
      readonly token: Secret;
    };

export const NO_AUTH: RegistryAuth = { kind: "none" };

/** The headers that carry the credentials: the only place where they are revealed. */
export const authHeaders = (auth: RegistryAuth): Record<string, string> => {
  switch (auth.kind) {
    case "none":
      return {};
    case "basic": {
      const pair = utf8(`${auth.username}:${auth.password.reveal()}`);
      return { authorization: `Basic ${base64(pair)}` };
    }
    case "header":
      return { [auth.name]: auth.token.reveal() };
    default:
      return auth satisfies never;
  }
};

/** `text` without the credentials, should a server send them back in its message. */
export const withoutSecret = (text: string, auth: RegistryAuth): string =>
  Object.values(authHeaders(auth))
    .flatMap((header) => [header, header.replace(/^Basic /, "")])
    .concat(auth.kind === "basic" ? [auth.password.reveal()] : [])
    .filter((value) => value.length > 0)
    .reduce((rest, value) => rest.replaceAll(value, HIDDEN), text);

/** The environment variables that are read here. */
export type CredentialVariables = Readonly<Record<string, string | undefined>>;

/** Whether `url` lies below `base`, compared by origin and whole path segments. */
const isBelow = (url: string, base: string | undefined): boolean => {
  const inner = URL.parse(url);
  const outer = URL.parse(base ?? "");
  if (inner === null || outer === null || inner.origin !== outer.origin) return false;
  return inner.pathname.startsWith(`${outer.pathname.replace(/\/+$/, "")}/`);
};

const given = (value: string | undefined): string | undefined =>
  value === undefined || value === "" ? undefined : value;

/**
 * Credentials for a PyPI index at `url`, by the first that is set: TWINE_USERNAME and
 * TWINE_PASSWORD; UV_PUBLISH_TOKEN; then, only below CI_API_V4_URL, CI_JOB_TOKEN (which GitLab
 * takes by Basic here, not as a header) and GITLAB_TOKEN.
 */
export const pypiAuth = (variables: CredentialVariables, url: string): RegistryAuth => {
  const basic = (username: string, password: string): RegistryAuth => ({
    kind: "basic",
    username,
    password: secret(password),
  });
  const password = given(variables.TWINE_PASSWORD);
  if (password !== undefined) {
    return basic(given(variables.TWINE_USERNAME) ?? "__token__", password);
  }
  const token = given(variables.UV_PUBLISH_TOKEN);
  if (token !== undefined) return basic("__token__", token);
  // A token of GitLab is shown to that GitLab only, wherever the index is said to be.
  if (!isBelow(url, given(variables.CI_API_V4_URL))) return NO_AUTH;
  const jobToken = given(variables.CI_JOB_TOKEN);
  if (jobToken !== undefined) return basic("gitlab-ci-token", jobToken);
  const personal = given(variables.GITLAB_TOKEN);
  return personal === undefined ? NO_AUTH : basic("gitlab-token", personal);
};

/**
 * Credentials for a generic registry at `url`: only below CI_API_V4_URL, CI_JOB_TOKEN as
 * JOB-TOKEN, then GITLAB_TOKEN as PRIVATE-TOKEN, then DEPLOY_TOKEN as DEPLOY-TOKEN.
 */
export const genericAuth = (variables: CredentialVariables, url: string): RegistryAuth => {
  if (!isBelow(url, given(variables.CI_API_V4_URL))) return NO_AUTH;
  const choices = [
    ["JOB-TOKEN", given(variables.CI_JOB_TOKEN)],
    ["PRIVATE-TOKEN", given(variables.GITLAB_TOKEN)],
    ["DEPLOY-TOKEN", given(variables.DEPLOY_TOKEN)],
  ] as const;
  for (const [name, token] of choices) {
    if (token !== undefined) return { kind: "header", name, token: secret(token) };
  }
  return NO_AUTH;
};
