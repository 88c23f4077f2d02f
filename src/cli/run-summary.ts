import { resolve } from "node:path";
import type { BuildRecord } from "../formats/build-record.ts";
import { ok, type Result } from "../formats/result.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import { signSummary } from "../stages/sign-summary.ts";
import { signingCertificates } from "../stages/signing-certificate.ts";
import { signClients } from "./run-sign.ts";
import type { Run } from "./run-stages.ts";
import { VERSION } from "./version.ts";

/**
 * Signs what a verification came to, and writes it to `--summary FILE`; does nothing without the
 * flag. A refusal is signed too, and says FAILED.
 */
export const runSummary = async (
  run: Run,
  verdicts: readonly ReleaseVerdict[],
  record: BuildRecord | undefined,
): Promise<Result<void>> => {
  const { invocation, session, report } = run;
  const path = invocation.flags.summary;
  if (typeof path !== "string") return ok(undefined);
  const { now } = invocation.outside;
  const verifiedAt = now();
  const clients = signClients(run, record);
  if (!clients.ok) return clients;
  const certificates = signingCertificates({ ...clients.value, oneEach: true });
  const signing = await certificates.current();
  if (!signing.ok) return signing;
  const { expect, trust } = session;
  const summary = await signSummary(
    { version: VERSION, verifiedAt, expect, verdicts, trust: trust.root, now },
    { ...clients.value, signing: signing.value },
  );
  if (!summary.ok) return summary;
  const file = resolve(invocation.terminal.cwd, path);
  const written = await invocation.files.write(file, summary.value);
  if (!written.ok) return written;
  report({ kind: "progress", stage: "verify", at: now(), message: `summary signed: ${path}` });
  return ok(undefined);
};
