import { badRequest, created, invalid, notFound } from "./registry-access.ts";
import type { RegistryContext } from "./registry-pypi.ts";
import { fileResponse } from "./registry-response.ts";
import type { RegistryFile } from "./registry-store.ts";
import { isDiskFailure } from "./storage.ts";

/** The parts of `…/packages/generic/NAME/VERSION/(PATH/)FILE`, percent-decoded. */
export type GenericPath = {
  readonly name: string;
  readonly version: string;
  /** Folders and file, joined with `/`. */
  readonly fileName: string;
};

const NAME = /^[A-Za-z0-9._\-+]+$/;
const VERSION = /^(?!.*\.\.)[\w+.-]+$/;
const FILE = /^(?![~@])[A-Za-z0-9._\-+~@]+(?<![~@])$/;
const MAX_PART = 255;

/** GitLab's rules for the three names; the failure is its `{"error": …}` text. */
export const parseGenericPath = (parts: readonly string[]): GenericPath | string => {
  const [name = "", version = "", ...rest] = parts;
  const long = parts.some((part) => part.length > MAX_PART) || parts.length > 32;
  if (!NAME.test(name) || name.includes("..") || long) return "package_name is invalid";
  if (!VERSION.test(version)) return "package_version is invalid";
  const folders = rest.slice(0, -1);
  if (folders.some((folder) => !FILE.test(folder) || /^\.+$/.test(folder)))
    return "path is invalid";
  const file = rest.at(-1) ?? "";
  if (!FILE.test(file) || /^\.+$/.test(file)) return "file_name is invalid";
  return { name, version, fileName: rest.join("/") };
};

/** The record that `select=package_file` gives. */
const recordOf = (file: RegistryFile): unknown => ({
  id: file.id,
  package_id: file.packageId,
  created_at: new Date(file.createdAt).toISOString(),
  updated_at: new Date(file.createdAt).toISOString(),
  size: file.size,
  file_store: 1,
  file_md5: null,
  file_sha1: null,
  file_name: file.fileName,
  file: { url: null },
  file_sha256: file.sha256,
  verification_retry_at: null,
  verified_at: null,
  verification_failure: null,
  verification_retry_count: null,
  verification_checksum: null,
  verification_state: 0,
  verification_started_at: null,
  status: "default",
});

async function* noChunks(): AsyncGenerator<Uint8Array> {}

/** `PUT`: adds a file, also beside one of the same name. */
export const putGeneric = async (
  context: RegistryContext,
  path: GenericPath,
  request: Request,
): Promise<Response> => {
  const query = new URL(request.url).searchParams;
  const status = query.get("status") ?? "default";
  if (!["default", "hidden"].includes(status)) {
    return invalid("status does not have a valid value");
  }
  const select = query.get("select");
  if (select !== null && select !== "package_file") {
    return invalid("select does not have a valid value");
  }
  const received = await context.store
    .receive(request.body ?? noChunks(), context.maxBytes.generic)
    .catch((error: unknown) => {
      if (isDiskFailure(error)) throw error;
      return "broken" as const;
    });
  if (received === undefined) return badRequest("File is too large");
  if (received === "broken") return badRequest("the content breaks off");
  await received.keep();
  const added = context.store.add(
    {
      project: context.project.id,
      kind: "generic",
      name: path.name,
      normalized: path.name,
      version: path.version,
      fileName: path.fileName,
      size: received.size,
      sha256: received.sha256,
      blob: received.sha256,
      requiresPython: null,
      metadata: null,
      attestations: null,
      publisher: null,
      createdAt: context.now(),
    },
    true,
  );
  if (added === undefined) throw new Error("a file that was added is not there");
  return select === "package_file" ? Response.json(recordOf(added)) : created();
};

/** `GET` and `HEAD`: the latest file of that name. */
export const getGeneric = async (
  context: RegistryContext,
  path: GenericPath,
  { method }: Request,
): Promise<Response> => {
  const { store, project } = context;
  const file = store.latest(project.id, "generic", path.name, path.version, path.fileName);
  if (file === undefined) return notFound("Package");
  return fileResponse(store, {
    blob: file.blob,
    fileName: path.fileName.split("/").at(-1) ?? "",
    method,
    headers: { "x-checksum-sha256": file.sha256 },
  });
};
