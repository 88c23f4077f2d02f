import { basename, resolve } from "node:path";
import type { Kit } from "../consumer/kit-archive.ts";
import { draftKit } from "../consumer/kit-export.ts";
import { unpackKit, withKit, writeKitFile } from "../consumer/kit-file.ts";
import { KIT_PLACES, type KitTrust } from "../consumer/kit-manifest.ts";
import { kitPages, listedIn } from "../consumer/kit-pages.ts";
import { checkKitAge, verifyKit } from "../consumer/kit-verify.ts";
import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { canonicalJson } from "../formats/jcs.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { formatTrustedRoot } from "../formats/trusted-root.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { type Collected, collect } from "./kit-sources.ts";
import { expectedForKit, trustForKit } from "./kit-trust.ts";
import { kitDocument, showKit, showWritten } from "./render-kit.ts";
import { readSettings, type Settings } from "./settings.ts";
import type { Trust } from "./trust.ts";
import { VERSION } from "./version.ts";

const DAY = 24 * 60 * 60 * 1000;
const MAX_DAYS = 3650;

/** `wheelseal kit export KIT … | verify KIT | import KIT --to DIR` */
export const kitCommand: Command = async (invocation) => {
  const { flags, terminal, files, operands } = invocation;
  const [action, kit, ...rest] = operands;
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  if (kit === undefined) return refuse(invocation, usage().error);
  const path = resolve(terminal.cwd, kit);
  switch (action) {
    case "export":
      return exportKit(invocation, settings.value, path, rest);
    case "verify":
      if (rest.length > 0) return refuse(invocation, usage().error);
      return verifyCommand(invocation, settings.value, path);
    case "import":
      if (rest.length > 0) return refuse(invocation, usage().error);
      return importKit(invocation, settings.value, path);
    default:
      return refuse(invocation, usage().error);
  }
};

const usage = () =>
  fail("USAGE", "say kit export KIT WHAT…, kit verify KIT, or kit import KIT --to DIR");

/** Days as `90d`; milliseconds. */
export const readSpan = (text: string | boolean | undefined): Result<number> => {
  if (typeof text !== "string") return ok(90 * DAY);
  const days = Number(/^(\d{1,4})d$/.exec(text)?.[1] ?? 0);
  return days >= 1 && days <= MAX_DAYS
    ? ok(days * DAY)
    : fail("USAGE", `--valid-for must be days such as 90d, at most ${MAX_DAYS}d, not ${text}`);
};

/** When a kit is made; SOURCE_DATE_EPOCH makes the same kit again. */
export const kitTime = ({ terminal, outside }: Invocation): number => {
  const epoch = terminal.env.SOURCE_DATE_EPOCH ?? "";
  return /^\d{1,10}$/.test(epoch) ? Number(epoch) * 1000 : Math.floor(outside.now() / 1000) * 1000;
};

/** Where a trust root came from, without folders of this machine. */
export const describeTrust = ({ from, tuf }: Trust): KitTrust => ({
  from: from.includes("://") ? from : basename(from),
  ...(tuf === undefined
    ? {}
    : {
        tuf: {
          mirror: tuf.mirror,
          rootVersion: tuf.rootVersion,
          expires: rfc3339(tuf.expires),
        },
      }),
});

const exportKit = async (
  invocation: Invocation,
  settings: Settings,
  path: string,
  what: readonly string[],
): Promise<number> => {
  const span = readSpan(invocation.flags["valid-for"]);
  if (!span.ok) return refuse(invocation, span.error);
  const written = await collect(invocation, settings, what, async (collected) => {
    const kit = draftKit({
      ...planOf(collected),
      tool: `wheelseal ${VERSION}`,
      createdAt: kitTime(invocation),
      validFor: span.value,
    });
    if (!kit.ok) return kit;
    const file = await writeKitFile(path, kit.value);
    return file.ok ? ok({ ...file.value, draft: kit.value, collected }) : file;
  });
  if (!written.ok) return refuse(invocation, written.error);
  const { draft, collected, sha256: digest, size } = written.value;
  const trust = hex(sha256(formatTrustedRoot(collected.trust.root)));
  const policy = draft.contents.find((one) => one.path === KIT_PLACES.policy)?.sha256 ?? "";
  const verdicts = collected.entries.map(({ verdict }) => verdict);
  const { manifest } = draft;
  showWritten(invocation, { path, sha256: digest, size, manifest, trust, policy, verdicts });
  return 0;
};

const planOf = ({ entries, trust, expect }: Collected) => ({
  entries,
  trust: { ...describeTrust(trust), root: trust.root },
  expect,
});

/** A kit that was read, and what came of verifying it. */
export type Judged = {
  readonly verdicts: readonly ReleaseVerdict[];
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

const judge = async (
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
  const against = {
    expect: expect.value,
    trust: trust.value.root,
    now: invocation.outside.now(),
  };
  const verdicts = await verifyKit(kit, against);
  if (!verdicts.ok) return verdicts;
  const failed = verdicts.value.find((verdict) => verdict.failure !== undefined)?.failure;
  return ok({
    verdicts: verdicts.value,
    trust: trust.value,
    ...age.value,
    ...(failed === undefined ? {} : { failure: failed }),
  });
};

const conclude = (invocation: Invocation, kit: Kit, judged: Judged): number => {
  if (invocation.flags.json === true) invocation.terminal.out(kitDocument(kit, judged));
  else showKit(invocation.terminal, kit, judged);
  return judged.failure === undefined ? 0 : refuse({ ...invocation, flags: {} }, judged.failure);
};

const verifyCommand = async (
  invocation: Invocation,
  settings: Settings,
  path: string,
): Promise<number> => {
  const judged = await withKit(path, async (kit) => {
    const judgement = await judge(invocation, settings, kit);
    return judgement.ok ? ok({ kit, judged: judgement.value }) : judgement;
  });
  if (!judged.ok) return refuse(invocation, judged.error);
  return conclude(invocation, judged.value.kit, judged.value.judged);
};

/** What an import leaves beside the packages: which kit it was, and what was passed over. */
const receipt = (invocation: Invocation, kit: Kit, { acceptedExpired, trust }: Judged) =>
  canonicalJson({
    kit: kit.sha256,
    importedAt: rfc3339(invocation.outside.now()),
    expiresAt: rfc3339(kit.manifest.expiresAt),
    trust: hex(sha256(formatTrustedRoot(trust.root))),
    ...(acceptedExpired === undefined ? {} : { acceptedExpired }),
  });

const importKit = async (
  invocation: Invocation,
  settings: Settings,
  path: string,
): Promise<number> => {
  const { flags, terminal } = invocation;
  if (typeof flags.to !== "string") {
    return refuse(invocation, failure("USAGE", "say where to with --to DIR"));
  }
  const folder = resolve(terminal.cwd, flags.to);
  const judged = await withKit(path, async (kit) => {
    const judgement = await judge(invocation, settings, kit);
    if (!judgement.ok) return judgement;
    if (judgement.value.failure === undefined) {
      const unpacked = await unpackKit(kit, folder, [
        ...kitPages(listedIn(kit)),
        { path: "import.json", content: receipt(invocation, kit, judgement.value) },
      ]);
      if (!unpacked.ok) return unpacked;
    }
    return ok({ kit, judged: judgement.value });
  });
  if (!judged.ok) return refuse(invocation, judged.error);
  return conclude(invocation, judged.value.kit, judged.value.judged);
};
