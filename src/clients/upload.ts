import { openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import { type CoreMetadata, fieldValues } from "../dists/metadata.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { authHeaders, type RegistryAuth } from "./credentials.ts";
import { exchange, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import { registryFailure, registryRefusal } from "./registry-answer.ts";

export type Upload = {
  readonly path: string;
  readonly filename: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly filetype: "bdist_wheel" | "sdist";
  /** The wheel's Python tags joined with `.`, or `source`. */
  readonly pyversion: string;
  readonly metadata: CoreMetadata;
  /** JSON texts of PEP 740 attestations; the field is left out where there are none. */
  readonly attestations: readonly string[];
};

/** `taken`: the index has a file of that name already; it does not tell which content. */
type UploadOutcome = "uploaded" | { readonly taken: string };

/** A place that takes files by PyPI's legacy upload API. */
export type UploadTarget = {
  /**
   * Sends one file, streaming it from disk. Fails with REGISTRY_AUTH, REGISTRY_FORBIDDEN,
   * REGISTRY_NOT_FOUND, UPLOAD_REFUSED, FILE_UNREADABLE, and as `exchange` does.
   */
  upload(upload: Upload): Promise<Result<UploadOutcome>>;
};

/** Core metadata fields whose form field is not simply the name with `_` for `-`. */
const FORM_NAMES: Record<string, string> = {
  classifier: "classifiers",
  "project-url": "project_urls",
};

const fieldName = (name: string): string => FORM_NAMES[name] ?? name.replaceAll("-", "_");

const metadataFields = (metadata: CoreMetadata): [string, string][] => {
  const names = new Set(metadata.fields.map((field) => field.name.toLowerCase()));
  return [...names].flatMap((name) =>
    fieldValues(metadata, name).map((value): [string, string] => [fieldName(name), value]),
  );
};

const formOf = async (upload: Upload): Promise<FormData> => {
  const form = new FormData();
  form.append(":action", "file_upload");
  form.append("protocol_version", "1");
  form.append("filetype", upload.filetype);
  form.append("pyversion", upload.pyversion);
  form.append("sha256_digest", upload.sha256);
  for (const [name, value] of metadataFields(upload.metadata)) form.append(name, value);
  if (upload.attestations.length > 0) {
    form.append("attestations", `[${upload.attestations.join(",")}]`);
  }
  // A blob of a file knows its length and is read while it is sent.
  form.append("content", await openAsBlob(upload.path), upload.filename);
  return form;
};

const MAX_ANSWER = 256 * 1024;
/** Slow lines are honest: 60 s, and 1 s for each 50 kB. */
const timeoutFor = (size: number): number => 60_000 + size / 50;

/** GitLab and PyPI say in their own words that a name is taken. */
const TAKEN = /already (?:been taken|exists?)|file name has already/i;

/** What logs people in, or says that they are offline, answers everything with success. */
const isPage = (body: Uint8Array): boolean =>
  /^\s*<(!doctype html|html)\b/i.test(new TextDecoder().decode(body.subarray(0, 200)));

/** @param url - of the upload API, for example `…/api/v4/projects/ID/packages/pypi` */
export const uploadTarget = (
  outside: Outside,
  target: { readonly url: string; readonly auth: RegistryAuth },
): UploadTarget => ({
  upload: async (upload) => {
    const size = await stat(upload.path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) return fail("FILE_UNREADABLE", `${upload.path} cannot be read`);
    if (size !== upload.size) return fail("DIST_CHANGED", `${upload.filename} changed its size`);
    const answer = await exchange(outside, {
      method: "POST",
      url: target.url,
      headers: { accept: "application/json", ...authHeaders(target.auth) },
      body: () => formOf(upload),
      maxBytes: MAX_ANSWER,
      timeout: timeoutFor(upload.size),
      service: "package index",
    });
    if (!answer.ok) return answer;
    const { status } = answer.value;
    if (status === 200 || status === 201) {
      return isPage(answer.value.body)
        ? fail(
            "UPLOAD_REFUSED",
            `${shownUrl(target.url)} answered with a web page, not as an index`,
          )
        : ok("uploaded");
    }
    const said = registryRefusal(answer.value, target.auth);
    if (status === 409 || (status === 400 && TAKEN.test(said))) return ok({ taken: said });
    return { ok: false, error: registryFailure(answer.value, target.auth, "UPLOAD_REFUSED") };
  },
});
