import type { Check } from "./check.ts";
import { SIGSTORE_PYTHON } from "./sigstore-python.ts";

/** All checks, in the order of the table. */
export const CHECKS: readonly Check[] = [...SIGSTORE_PYTHON];
