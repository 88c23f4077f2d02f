import { utf8 } from "../formats/bytes.ts";
import type { Code } from "../formats/errors.ts";
import { type Failure, failure } from "../formats/result.ts";
import { type RegistryAuth, withoutSecret } from "./credentials.ts";
import { type HttpResponse, shownUrl } from "./http.ts";
import { refusalOf } from "./refusal.ts";

const MAX_READ = 64 * 1024;

/** `status N: what the registry said`, without credentials, should it send them back. */
export const registryRefusal = (answer: HttpResponse, auth: RegistryAuth): string => {
  const text = new TextDecoder().decode(answer.body.subarray(0, MAX_READ));
  // Before it is cut: half a token would not be recognised any more.
  return refusalOf({ ...answer, body: utf8(withoutSecret(text, auth)) });
};

/** The failure that an error status of a registry means; `otherwise` for those without a code. */
export const registryFailure = (
  answer: HttpResponse,
  auth: RegistryAuth,
  otherwise: Code,
): Failure => {
  const message = `${shownUrl(answer.url)} answered with ${registryRefusal(answer, auth)}`;
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
