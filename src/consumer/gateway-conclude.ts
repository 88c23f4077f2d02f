import type { NormalizedName } from "../dists/name.ts";
import type { Failure } from "../formats/result.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { GatewayEvent, KeptVerdict, Settlement } from "./gateway-state.ts";
import type { GatewayWorld } from "./gateway-world.ts";
import type { Stated } from "./quarantined.ts";

/** Without the fields that are undefined. */
export const defined = <T extends object>(object: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: NonNullable<T[K]>;
  };

/** Until when a verdict may be kept: refusals are asked again soon, waivers end. */
const validUntil = (
  world: GatewayWorld,
  failed: Failure | undefined,
  verdict: ReleaseVerdict | undefined,
): number => {
  if (failed !== undefined) return world.now() + world.config.refresh;
  const used = verdict?.waivers.filter(({ excused }) => excused.length > 0) ?? [];
  return Math.min(Number.MAX_SAFE_INTEGER, ...used.map(({ waiver }) => waiver.endsAt));
};

const ALARMING = [
  ...["GATEWAY_IDENTITY_CHANGED", "GATEWAY_ATTESTATION_LOST", "GATEWAY_RELEASE_DIFFERS"],
  "INDEX_DIGEST",
];

/** The verdict, for the client, and what the audit trail says of it. */
export const conclude = (
  world: GatewayWorld,
  project: NormalizedName,
  { filename, sha256 }: Pick<Stated, "filename" | "sha256">,
  failed: Failure | undefined,
  verdict?: ReleaseVerdict,
): Settlement => {
  const at = world.now();
  const refusal = failed && { code: failed.code, message: failed.message };
  const detail = verdict === undefined ? {} : { detail: summaryOf(verdict) };
  const about = { project, filename, sha256, at, ...detail };
  const event: GatewayEvent =
    refusal === undefined
      ? { ...about, kind: "accepted", message: saidOf(verdict) }
      : { ...about, kind: ALARMING.includes(refusal.code) ? "alarm" : "refused", ...refusal };
  return {
    event,
    verdict: {
      project,
      filename,
      sha256,
      decidedAt: at,
      validUntil: validUntil(world, failed, verdict),
      fingerprint: world.fingerprint,
      ...(refusal === undefined ? {} : { refusal }),
    },
  };
};

/** What was accepted by itself, refused for what it is beside. */
export const concluded = (
  world: GatewayWorld,
  { project, filename, sha256, size, metadata, provenance }: KeptVerdict,
  failed: Failure,
  { detail }: GatewayEvent,
): Settlement => {
  const { event, verdict } = conclude(world, project, { filename, sha256 }, failed);
  const told = detail === undefined ? event : { ...event, detail };
  if (world.config.mode === "enforce") return { event: told, verdict };
  return { event: told, verdict: { ...verdict, ...defined({ size, metadata, provenance }) } };
};

const saidOf = (verdict: ReleaseVerdict | undefined): string =>
  verdict?.pinned === true
    ? "accepted by its pinned digest; no evidence was asked for"
    : `verified by ${verdict?.proofs.map(({ kind }) => kind).join(", ") ?? "nothing"}`;

/** The verdict without the long proofs: who, when, by which evidence, under which waivers. */
const summaryOf = ({ proofs, waivers, pinned, size, findings }: ReleaseVerdict) => ({
  size,
  ...(pinned === undefined ? {} : { pinned }),
  findings,
  waivers: waivers.map(({ waiver, over, excused }) => ({ ...waiver, over, excused })),
  proofs: proofs.map(({ kind, file, sha256, verdict }) => ({
    kind,
    file,
    sha256,
    ...(verdict.verified
      ? {
          signer: verdict.signer,
          times: verdict.times,
          log: verdict.logged.map(({ logId, logIndex }) => ({ logId, logIndex })),
        }
      : { code: verdict.failure.code }),
  })),
});
