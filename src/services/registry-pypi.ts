import { parseName } from "../dists/name.ts";
import type { RegistryProject, RegistryPublisher } from "./registry-access.ts";
import { badRequest, created, invalid, notFound } from "./registry-access.ts";
import { refuseAttestations } from "./registry-attestations.ts";
import { readForm, type UploadForm } from "./registry-form.ts";
import { wheelMetadata } from "./registry-metadata.ts";
import { fileResponse } from "./registry-response.ts";
import {
  type Listed,
  negotiate,
  projectHtml,
  projectJson,
  rootHtml,
  rootJson,
  SIMPLE_JSON,
} from "./registry-simple.ts";
import type { NewFile, Received, RegistryFile, RegistryStore } from "./registry-store.ts";

/** What the handlers of one request work with. */
export type RegistryContext = {
  readonly store: RegistryStore;
  /** `gitlab`: what GitLab does; `extended`: also PEP 658, 691, 700 and 740, and digests checked. */
  readonly behaviour: "gitlab" | "extended";
  readonly project: RegistryProject;
  /** Absolute URL of `/api/v4/projects/ID/packages`. */
  readonly packagesUrl: string;
  readonly maxBytes: { readonly pypi: number; readonly generic: number };
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly publisher?: RegistryPublisher;
};

const VERSION =
  /^v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?[0-9]*)?(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?(?:[-_.]?dev[-_.]?[0-9]*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/i;
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+!-]{0,254}$/;
const SHA256 = /^[0-9a-f]{64}$/i;
const MAX_REQUIRES_PYTHON = 255;

type Fields = {
  readonly name: string;
  readonly normalized: string;
  readonly version: string;
  readonly requiresPython: string | null;
  readonly claimed?: string;
};

const readFields = (form: UploadForm): Fields | Response => {
  const one = (name: string): string | undefined => form.fields.get(name)?.[0];
  const missing = ["name", "version"].filter((field) => one(field) === undefined);
  if (form.content === undefined) missing.unshift("content");
  if (missing.length > 0) {
    return invalid(missing.map((field) => `${field} is missing`).join(", "));
  }
  const claimed = one("sha256_digest");
  if (claimed !== undefined && !SHA256.test(claimed)) return invalid("sha256_digest is invalid");
  const name = one("name") ?? "";
  const normalized = parseName(name);
  if (!normalized.ok) return badRequest("Validation failed: Name is invalid");
  const version = one("version") ?? "";
  if (version.length > 255 || !VERSION.test(version)) {
    return badRequest("Validation failed: Version is invalid");
  }
  const requiresPython = one("requires_python") ?? null;
  if ((requiresPython?.length ?? 0) > MAX_REQUIRES_PYTHON) {
    return badRequest("Validation failed: Required python is too long (maximum is 255 characters)");
  }
  const digest = claimed === undefined ? {} : { claimed: claimed.toLowerCase() };
  return { name, normalized: normalized.value, version, requiresPython, ...digest };
};

/** `POST …/packages/pypi`: the legacy upload API. */
export const uploadPypi = async (context: RegistryContext, request: Request): Promise<Response> => {
  const { store, maxBytes } = context;
  const outcome = await readForm(request, store, maxBytes.pypi);
  if (outcome.kind === "too-large") return badRequest("File is too large");
  if (outcome.kind === "malformed") return badRequest(outcome.reason);
  const { content } = outcome.form;
  try {
    const fields = readFields(outcome.form);
    if (fields instanceof Response) return fields;
    if (content === undefined) return invalid("content is missing");
    return await accept(context, outcome.form, fields, content);
  } finally {
    await content?.received.discard();
  }
};

const TAKEN = "Validation failed: File name has already been taken";

const accept = async (
  context: RegistryContext,
  form: UploadForm,
  fields: Fields,
  content: { fileName: string; received: Received },
): Promise<Response> => {
  const { store, project, behaviour } = context;
  const { fileName, received } = content;
  if (!FILE_NAME.test(fileName)) return badRequest("Validation failed: File name is invalid");
  const extended = behaviour === "extended";
  if (extended && fields.claimed !== undefined && fields.claimed !== received.sha256) {
    return badRequest("sha256_digest is not the digest of content");
  }
  if (store.latest(project.id, "pypi", fields.name, fields.version, fileName)) {
    return badRequest(TAKEN);
  }
  const attestations = form.fields.get("attestations")?.[0];
  const reason =
    extended && attestations !== undefined
      ? refuseAttestations(attestations, fileName, received.sha256)
      : undefined;
  if (reason !== undefined) return badRequest(reason);
  await received.keep();
  const metadata = extended ? await keepMetadata(store, fileName, received) : null;
  const added = store.add(
    newFile(context, fields, content, metadata, extended ? (attestations ?? null) : null),
    false,
  );
  return added === undefined ? badRequest(TAKEN) : created();
};

const keepMetadata = async (
  store: RegistryStore,
  fileName: string,
  received: Received,
): Promise<string | null> => {
  const bytes = await wheelMetadata(fileName, store.pathOf(received.sha256));
  if (bytes === undefined) return null;
  const metadata = await store.receive([bytes], bytes.length);
  await metadata?.keep();
  return metadata?.sha256 ?? null;
};

const newFile = (
  context: RegistryContext,
  fields: Fields,
  content: { fileName: string; received: Received },
  metadata: string | null,
  attestations: string | null,
): NewFile => ({
  project: context.project.id,
  kind: "pypi",
  name: fields.name,
  normalized: fields.normalized,
  version: fields.version,
  fileName: content.fileName,
  size: content.received.size,
  // GitLab states the digest as it was claimed.
  sha256: (context.behaviour === "gitlab" && fields.claimed) || content.received.sha256,
  blob: content.received.sha256,
  requiresPython: fields.requiresPython,
  metadata,
  attestations,
  publisher: context.publisher === undefined ? null : JSON.stringify(context.publisher),
  createdAt: context.now(),
});

const listed = (context: RegistryContext, file: RegistryFile): Listed => {
  const name = encodeURIComponent(file.fileName);
  const base = `${context.packagesUrl}/pypi`;
  const url = `${base}/files/${file.sha256}/${name}`;
  if (file.attestations === null) return { file, url };
  const release = `${file.normalized}/${encodeURIComponent(file.version)}`;
  return { file, url, provenance: `${base}/integrity/${release}/${name}/provenance` };
};

const simpleResponse = (
  context: RegistryContext,
  accept: string | null,
  bodies: { html: () => string; json: () => unknown },
): Response => {
  const format = context.behaviour === "gitlab" ? "html" : negotiate(accept);
  switch (format) {
    case "none":
      return Response.json({ message: "406 Not Acceptable" }, { status: 406 });
    case "html":
      return new Response(bodies.html(), {
        headers: { "content-type": "text/html; charset=utf-8", vary: "Accept" },
      });
    case "json":
      return new Response(JSON.stringify(bodies.json()), {
        headers: { "content-type": `${SIMPLE_JSON}; charset=utf-8`, vary: "Accept" },
      });
    default:
      return format satisfies never;
  }
};

/** `GET …/packages/pypi/simple`. */
export const simpleRoot = (context: RegistryContext, accept: string | null): Response => {
  const names = context.store.names(context.project.id, "pypi");
  const urls = new Map(
    names.map((name) => [name, `${context.packagesUrl}/pypi/simple/${encodeURIComponent(name)}`]),
  );
  return simpleResponse(context, accept, {
    html: () => rootHtml(context.project.path, urls),
    json: () => rootJson(names),
  });
};

/** `GET …/packages/pypi/simple/NAME`, in any spelling of the name. */
export const simpleProject = (
  context: RegistryContext,
  name: string,
  accept: string | null,
): Response => {
  const normalized = parseName(name);
  const files = normalized.ok
    ? context.store.files(context.project.id, "pypi", normalized.value)
    : [];
  const [first] = files;
  if (first === undefined) return notFound("Package");
  const links = files.map((file) => listed(context, file));
  return simpleResponse(context, accept, {
    html: () => projectHtml(first.name, links),
    json: () => projectJson(first.normalized, links),
  });
};

/** `GET …/packages/pypi/files/SHA256/FILE`, and its core metadata at `FILE.metadata` (PEP 658). */
export const pypiFile = async (
  context: RegistryContext,
  { sha256, fileName, method }: { sha256: string; fileName: string; method: string },
): Promise<Response> => {
  const { store, project } = context;
  const file = store.byDigest(project.id, sha256.toLowerCase(), fileName);
  if (file !== undefined) return fileResponse(store, { blob: file.blob, fileName, method });
  const wheel = fileName.endsWith(".metadata") ? fileName.slice(0, -".metadata".length) : "";
  const owner = store.byDigest(project.id, sha256.toLowerCase(), wheel);
  if (owner === undefined || owner.metadata === null) return notFound("Package");
  return fileResponse(store, { blob: owner.metadata, fileName, method });
};

/** `GET …/integrity/NAME/VERSION/FILE/provenance` (PEP 740). */
export const integrity = (
  context: RegistryContext,
  name: string,
  version: string,
  fileName: string,
): Response => {
  const normalized = parseName(name);
  const file = normalized.ok
    ? context.store
        .files(context.project.id, "pypi", normalized.value)
        .find((one) => one.version === version && one.fileName === fileName)
    : undefined;
  if (file === undefined || file.attestations === null) return notFound("Provenance");
  const body = {
    version: 1,
    attestation_bundles: [
      {
        publisher: file.publisher === null ? null : JSON.parse(file.publisher),
        attestations: JSON.parse(file.attestations),
      },
    ],
  };
  return new Response(JSON.stringify(body), {
    headers: { "content-type": "application/vnd.pypi.integrity.v1+json" },
  });
};
