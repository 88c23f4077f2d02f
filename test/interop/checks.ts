import type { Check } from "./check.ts";
import { BUILDAH } from "./container.ts";
import { COSIGN_22, COSIGN_26, COSIGN_31 } from "./cosign.ts";
import { PIP_GATEWAY, UV_GATEWAY } from "./gateway.ts";
import { COMPONENT, GITLAB_CI_LOCAL } from "./gitlab-ci-local.ts";
import { CURL, PIP, TWINE, UV } from "./gitlab-registry.ts";
import { DEVPI, PYPISERVER } from "./other-indexes.ts";
import { PYPI_ATTESTATIONS } from "./pypi-attestations.ts";
import { REAL_SERVICES } from "./real-services.ts";
import { REKOR_CLI } from "./rekor-cli.ts";
import { REKOR_TILES } from "./rekor-tiles.ts";
import { REKOR_V2 } from "./rekor-v2.ts";
import { SIGSTORE_GO } from "./sigstore-go.ts";
import { SIGSTORE_JS } from "./sigstore-js.ts";
import { SIGSTORE_PYTHON } from "./sigstore-python.ts";
import { COSIGN_TUF, PYTHON_TUF, SIGSTORE_PYTHON_TUF, TUF_JS } from "./tuf.ts";
import { TUTORIAL_PIPELINE } from "./tutorial.ts";

/** What peers do with the stack and the client, in the order of the table. */
export const PEER_CHECKS: readonly Check[] = [
  ...SIGSTORE_PYTHON,
  ...SIGSTORE_PYTHON_TUF,
  ...PYTHON_TUF,
  ...TUF_JS,
  ...PYPI_ATTESTATIONS,
  ...TWINE,
  ...UV,
  ...UV_GATEWAY,
  ...PIP,
  ...PIP_GATEWAY,
  ...CURL,
  ...PYPISERVER,
  ...DEVPI,
  ...COSIGN_22,
  ...COSIGN_TUF,
  ...COSIGN_26,
  ...COSIGN_31,
  ...SIGSTORE_JS,
  ...SIGSTORE_GO,
  ...REKOR_CLI,
  ...REKOR_V2,
  ...REKOR_TILES,
  ...TUTORIAL_PIPELINE,
  ...GITLAB_CI_LOCAL,
  ...BUILDAH,
  ...REAL_SERVICES,
];

/** What the component does with faults and with other people's projects. */
export const COMPONENT_CHECKS: readonly Check[] = COMPONENT;
