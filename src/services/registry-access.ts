import { sha256 } from "../crypto/hash.ts";
import { fromBase64, fromUtf8, hex, utf8 } from "../formats/bytes.ts";

export type RegistryProject = {
  /** GitLab's numeric id, as text. */
  readonly id: string;
  /** Full path, for example `acme/widgets`. */
  readonly path: string;
  /** Anybody may read a public project. */
  readonly visibility: "public" | "private";
};

/** Whom PEP 740 provenance names as the publisher of what a credential uploads. */
export type RegistryPublisher = {
  readonly kind: "GitLab";
  readonly repository: string;
  readonly workflow_filepath: string;
  readonly environment: string | null;
};

export type RegistryCredential = {
  readonly kind: "job-token" | "personal-access-token" | "deploy-token";
  readonly secret: string;
  /** The user name that a deploy token has in HTTP Basic. */
  readonly username?: string;
  /** Ids of the projects it may see. */
  readonly projects: readonly string[];
  readonly rights: "read" | "write";
  readonly publisher?: RegistryPublisher;
};

export type Caller =
  | { readonly kind: "anonymous" }
  | { readonly kind: "known"; readonly credential: RegistryCredential }
  /** Credentials were shown, and are not good. */
  | { readonly kind: "refused" };

/** Which of GitLab's two package APIs is asked: they accept different headers. */
export type RegistryKind = "pypi" | "generic";

type Shown = {
  readonly secret: string;
  readonly kinds: readonly RegistryCredential["kind"][];
  readonly username?: string;
};

const ANY = ["personal-access-token", "deploy-token"] as const;

const fromBasic = (header: string): Shown | undefined => {
  const encoded = /^basic +(.*)$/i.exec(header)?.[1]?.trim();
  const bytes = encoded === undefined ? undefined : fromBase64(encoded);
  const text = bytes?.ok ? fromUtf8(bytes.value) : undefined;
  const colon = text?.ok ? text.value.indexOf(":") : -1;
  if (text?.ok !== true || colon < 0) return undefined;
  const username = text.value.slice(0, colon);
  const secret = text.value.slice(colon + 1);
  if (username === "gitlab-ci-token") return { secret, kinds: ["job-token"] };
  return { secret, username, kinds: ANY };
};

/**
 * The credentials a request shows. Job tokens come as Basic `gitlab-ci-token`, and as JOB-TOKEN
 * for the generic API only; `undefined` for a header that cannot be understood.
 */
const shown = (headers: Headers, kind: RegistryKind): Shown | "none" | undefined => {
  const privateToken = headers.get("private-token");
  if (privateToken !== null) return { secret: privateToken, kinds: ["personal-access-token"] };
  const deployToken = headers.get("deploy-token");
  if (deployToken !== null) return { secret: deployToken, kinds: ["deploy-token"] };
  const jobToken = headers.get("job-token");
  if (jobToken !== null && kind === "generic") return { secret: jobToken, kinds: ["job-token"] };
  const authorization = headers.get("authorization");
  return authorization === null ? "none" : fromBasic(authorization);
};

const fingerprint = (secret: string): string => hex(sha256(utf8(secret)));

/** Tells who calls. Secrets are found by their digest, so that no comparison leaks by its time. */
export const callers = (
  credentials: readonly RegistryCredential[],
): ((headers: Headers, kind: RegistryKind) => Caller) => {
  const bySecret = new Map(credentials.map((one) => [fingerprint(one.secret), one]));
  return (headers, kind) => {
    const claim = shown(headers, kind);
    if (claim === "none") return { kind: "anonymous" };
    const credential = claim === undefined ? undefined : bySecret.get(fingerprint(claim.secret));
    if (claim === undefined || credential === undefined) return { kind: "refused" };
    const named =
      claim.username === undefined ||
      credential.username === undefined ||
      claim.username === credential.username;
    return named && claim.kinds.includes(credential.kind)
      ? { kind: "known", credential }
      : { kind: "refused" };
  };
};

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  Response.json(body, { status, headers });

const unauthorized = (): Response =>
  json(
    401,
    { message: "401 Unauthorized" },
    { "www-authenticate": 'Basic realm="GitLab Packages Registry"' },
  );

export const notFound = (what: string): Response =>
  json(404, { message: `404 ${what} Not Found`.replace("  ", " ") });

const forbidden = (): Response => json(403, { message: "403 Forbidden" });

/** To be tried again, with the same request. */
export const unavailable = (reason: string): Response =>
  json(503, { message: `503 Service Unavailable - ${reason}` }, { "retry-after": "1" });

export const badRequest = (reason: string): Response =>
  json(400, { message: `400 Bad request - ${reason}` });

/** What GitLab's parameter validation answers: `{"error": …}` instead of `{"message": …}`. */
export const invalid = (reason: string): Response => json(400, { error: reason });

export const created = (): Response => json(201, { message: "201 Created" });

/**
 * Whether `caller` may do `right` in `project`: `undefined`, or GitLab's refusal. 401 for nobody
 * and for bad credentials, 404 for somebody who cannot see the project, 403 for lack of rights.
 */
export const refusal = (
  project: RegistryProject | undefined,
  caller: Caller,
  right: "read" | "write",
): Response | undefined => {
  if (caller.kind === "refused") return unauthorized();
  const open = project?.visibility === "public";
  if (caller.kind === "anonymous") {
    return open && right === "read" ? undefined : unauthorized();
  }
  const member = project !== undefined && caller.credential.projects.includes(project.id);
  if (!member && !open) return notFound("Project");
  if (right === "read") return undefined;
  return member && caller.credential.rights === "write" ? undefined : forbidden();
};
