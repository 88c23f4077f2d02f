import type { Code } from "../formats/errors.ts";
import { type Failure, failure } from "../formats/result.ts";
import { type RegistryAuth, withoutSecret } from "./credentials.ts";
import { shownUrl } from "./http.ts";

const MAX_SHOWN = 300;

/** What the registry said, cut, in one line, without control characters and credentials. */
export const registryMessage = (body: Uint8Array, auth: RegistryAuth): string => {
  const text = new TextDecoder().decode(body.subarray(0, 16 * 1024));
  const plain = withoutSecret(text, auth)
    .replace(/[\p{C}\p{Z}]+/gu, " ")
    .trim();
  return plain.length > MAX_SHOWN ? `${plain.slice(0, MAX_SHOWN)}…` : plain;
};

/** The failure that an error status of a registry means; `otherwise` for those without a code. */
export const registryFailure = (
  answer: { readonly status: number; readonly url: string; readonly body: Uint8Array },
  auth: RegistryAuth,
  otherwise: Code,
): Failure => {
  const said = registryMessage(answer.body, auth);
  const where = shownUrl(answer.url);
  const message = `${where} answered with status ${answer.status}${said === "" ? "" : `: ${said}`}`;
  switch (answer.status) {
    case 401:
      return failure("REGISTRY_AUTH", message);
    case 403:
      return failure("REGISTRY_FORBIDDEN", message);
    case 404:
      return failure("REGISTRY_NOT_FOUND", message);
    default:
      return failure(otherwise, message);
  }
};
