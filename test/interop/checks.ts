import type { Check } from "./check.ts";
import { COSIGN_22, COSIGN_26, COSIGN_31 } from "./cosign.ts";
import { CURL, PIP, TWINE, UV } from "./gitlab-registry.ts";
import { DEVPI, PYPISERVER } from "./other-indexes.ts";
import { PYPI_ATTESTATIONS } from "./pypi-attestations.ts";
import { SIGSTORE_PYTHON } from "./sigstore-python.ts";

/** All checks, in the order of the table. */
export const CHECKS: readonly Check[] = [
  ...SIGSTORE_PYTHON,
  ...PYPI_ATTESTATIONS,
  ...TWINE,
  ...UV,
  ...PIP,
  ...CURL,
  ...PYPISERVER,
  ...DEVPI,
  ...COSIGN_22,
  ...COSIGN_26,
  ...COSIGN_31,
];
