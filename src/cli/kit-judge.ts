import type { Audit } from "../consumer/audit.ts";
import type { Kit } from "../consumer/kit-archive.ts";
import type { Listed } from "../consumer/kit-pages.ts";
import { reportIn } from "../consumer/kit-report.ts";
import { checkKitAge, type KitVerdict, verifyKit } from "../consumer/kit-verify.ts";
import { type Failure, fail, ok, type Result } from "../formats/result.ts";
import type { Invocation } from "./command.ts";
import { expectedForKit, trustForKit } from "./kit-trust.ts";
import type { Settings } from "./settings.ts";
import type { Trust } from "./trust.ts";

/** A kit that was read, and what came of verifying it. */
export type Judged = {
  readonly verdicts: readonly KitVerdict[];
  /** The audit whose archive it is; absent for a kit. */
  readonly audit?: Audit;
  /** The same, as an index lists them. */
  readonly listed: readonly Listed[];
  readonly trust: Trust;
  /** Why an expired kit was taken all the same. */
  readonly acceptedExpired?: string;
  readonly failure?: Failure;
};

/** The age of the kit, or the reason for which it is passed over. */
const ageOf = (
  { flags, outside }: Invocation,
  kit: Kit,
): Result<{ readonly acceptedExpired?: string }> => {
  const old = checkKitAge(kit, outside.now());
  if (old === undefined) return ok({});
  const reason = flags["accept-expired"];
  if (typeof reason !== "string") return { ok: false, error: old };
  return reason.trim() === ""
    ? fail("USAGE", "--accept-expired needs a reason")
    : ok({ acceptedExpired: reason.trim() });
};

const readDemands = (text: string | boolean | undefined): Result<"release" | "attested"> =>
  text === undefined || text === "release" || text === "attested"
    ? ok(text ?? "release")
    : fail("USAGE", "--demands must be release or attested");

const listedAs = ({ verdict, requiresPython }: KitVerdict): Listed => ({
  filename: verdict.filename,
  sha256: verdict.sha256,
  ...(requiresPython === undefined ? {} : { requiresPython }),
});

/** Verifies a kit against whom this site trusts and expects; nothing is unpacked. */
export const judgeKit = async (
  invocation: Invocation,
  settings: Settings,
  kit: Kit,
): Promise<Result<Judged>> => {
  const pin = invocation.flags["kit-sha256"];
  if (typeof pin === "string" && pin.toLowerCase() !== kit.sha256) {
    return fail("KIT_PIN", `the kit has SHA-256 ${kit.sha256}, not ${pin}`);
  }
  const age = ageOf(invocation, kit);
  if (!age.ok) return age;
  const trust = await trustForKit(invocation, settings, kit);
  if (!trust.ok) return trust;
  const expect = await expectedForKit(invocation, settings, trust.value, kit);
  if (!expect.ok) return expect;
  const demands = readDemands(invocation.flags.demands);
  if (!demands.ok) return demands;
  const against = {
    demands: demands.value,
    expect: expect.value,
    trust: trust.value.root,
    now: invocation.outside.now(),
  };
  const verified = await verifyKit(kit, against);
  if (!verified.ok) return verified;
  const audit = await reportIn(kit);
  if (!audit.ok) return audit;
  const verdicts = verified.value;
  const refused = verdicts.find(({ verdict }) => verdict.failure !== undefined)?.verdict.failure;
  // What the audit refused is no better for being in an archive.
  const failed = refused ?? audit.value?.error;
  return ok({
    verdicts,
    ...(audit.value === undefined ? {} : { audit: audit.value }),
    listed: verdicts.map(listedAs),
    trust: trust.value,
    ...age.value,
    ...(failed === undefined ? {} : { failure: failed }),
  });
};
