import type { Check } from "./check.ts";
import { GITLAB_CI_LOCAL } from "./gitlab-ci-local.ts";
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
  ...GITLAB_CI_LOCAL,
];
