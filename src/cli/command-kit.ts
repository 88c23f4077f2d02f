import { resolve } from "node:path";
import type { Kit } from "../consumer/kit-archive.ts";
import { draftKit } from "../consumer/kit-export.ts";
import { unpackKit, withKit, writeKitFile } from "../consumer/kit-file.ts";
import { formatKitManifest, KIT_PLACES } from "../consumer/kit-manifest.ts";
import { kitPages } from "../consumer/kit-pages.ts";
import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { canonicalJson } from "../formats/jcs.ts";
import { fail, failure, ok } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { formatTrustedRoot } from "../formats/trusted-root.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { type Judged, judgeKit } from "./kit-judge.ts";
import { describeTrust, kitTime, readSpan } from "./kit-making.ts";
import { type Collected, collect } from "./kit-sources.ts";
import { tufChain } from "./kit-tuf.ts";
import { kitDocument, showKit, showWritten } from "./render-kit.ts";
import { readSettings, type Settings } from "./settings.ts";
import { VERSION } from "./version.ts";

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

const exportKit = async (
  invocation: Invocation,
  settings: Settings,
  path: string,
  what: readonly string[],
): Promise<number> => {
  const span = readSpan(invocation.flags["valid-for"]);
  if (!span.ok) return refuse(invocation, span.error);
  const createdAt = kitTime(invocation);
  if (createdAt + span.value <= invocation.outside.now()) {
    const end = rfc3339(createdAt + span.value);
    return refuse(invocation, failure("USAGE", `a kit that expired at ${end} helps nobody`));
  }
  const written = await collect(invocation, settings, what, async (collected) => {
    const chain = await tufChain(invocation, settings);
    if (!chain.ok) return chain;
    const plan = { ...planOf(collected), tool: `wheelseal ${VERSION}` };
    const kit = draftKit({ ...plan, createdAt, validFor: span.value }, chain.value);
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

const planOf = ({ entries, trust, expect, stated = new Map() }: Collected) => ({
  entries,
  trust: { ...describeTrust(trust), root: trust.root },
  expect,
  stated,
});

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
    const judgement = await judgeKit(invocation, settings, kit);
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
    if (kit.manifest.kind !== "kit") {
      return fail("USAGE", "an audit's archive is to be looked through, not to be installed from");
    }
    const judgement = await judgeKit(invocation, settings, kit);
    if (!judgement.ok) return judgement;
    if (judgement.value.failure === undefined) {
      const unpacked = await unpackKit(kit, folder, [
        ...kitPages(judgement.value.listed),
        { path: KIT_PLACES.manifest, content: formatKitManifest(kit.manifest) },
        { path: "import.json", content: receipt(invocation, kit, judgement.value) },
      ]);
      if (!unpacked.ok) return unpacked;
      if (flags.json !== true) terminal.err(`imported into ${folder}`);
    }
    return ok({ kit, judged: judgement.value });
  });
  if (!judged.ok) return refuse(invocation, judged.error);
  return conclude(invocation, judged.value.kit, judged.value.judged);
};
