import type { Kit } from "../consumer/kit-archive.ts";
import { KIT_PLACES } from "../consumer/kit-manifest.ts";
import { readKitPolicy } from "../consumer/kit-policy.ts";
import { readMember } from "../consumer/kit-verify.ts";
import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { MAX_TRUST_BYTES, parseTrustedRoot } from "../formats/trusted-root.ts";
import type { Expected } from "../verification/policy.ts";
import type { Invocation } from "./command.ts";
import { expectedFor, withWitnesses } from "./expectation.ts";
import { tufTrustOfKit } from "./kit-tuf.ts";
import type { Settings } from "./settings.ts";
import { usesLocalStack } from "./stack.ts";
import { type Trust, trustOf } from "./trust.ts";

const MAX_POLICY = 16 * 1024 * 1024;

/** Settings under which nothing asks the network, whatever was said. */
const offline = (settings: Settings): Settings => ({
  ...settings,
  on: (name) => name === "offline" || settings.on(name),
});

const member = async (kit: Kit, path: string, maxBytes: number): Promise<Result<Uint8Array>> => {
  const bytes = await readMember(kit, path, maxBytes);
  if (!bytes.ok) return bytes;
  return bytes.value === undefined
    ? fail("KIT_MANIFEST", `the kit has no ${path}`)
    : ok(bytes.value);
};

/** Whether this site says itself whom it trusts. */
const namesTrust = (settings: Settings): boolean =>
  (["trust-config", "trusted-root", "tuf-mirror"] as const).some(
    (name) => settings.text(name) !== undefined,
  ) ||
  Boolean(settings.env.SIGSTORE_ROOT_FILE) ||
  usesLocalStack(settings);

/** The trust root that the kit's TUF documents vouch for, from the site's own TUF root on. */
const followed = async (
  invocation: Invocation,
  settings: Settings,
  rootPath: string,
  kit: Kit,
): Promise<Result<Trust>> => {
  const tuf = await tufTrustOfKit(invocation, settings, rootPath, kit);
  if (!tuf.ok) return tuf;
  const { trustedRoot, rootVersion, expires, refreshedAt } = tuf.value;
  const root = parseTrustedRoot(trustedRoot);
  if (!root.ok) return root;
  const from = `the kit, as TUF vouches for it from ${rootPath} on`;
  return ok({
    root: root.value,
    from,
    tuf: { mirror: "the kit", rootVersion, expires, refreshedAt },
  });
};

/**
 * The trust of the site that verifies a kit: its own, or the kit's where its digest was pinned, or
 * the site's TUF root vouches for it. Never the kit's for being in the kit.
 * @returns KIT_TRUST where the site names none, TRUST_PIN, and as `trustOf` does
 */
export const trustForKit = async (
  invocation: Invocation,
  settings: Settings,
  kit: Kit,
): Promise<Result<Trust>> => {
  if (namesTrust(settings)) return trustOf(invocation, offline(settings));
  const tufRoot = settings.text("tuf-root");
  if (tufRoot !== undefined) return followed(invocation, settings, tufRoot, kit);
  const pin = settings.find("trust-sha256");
  const digest = kit.files.get(KIT_PLACES.trust)?.sha256 ?? "none";
  if (pin === undefined) {
    return fail("KIT_TRUST", `the kit has a trust root, sha256:${digest}, which nobody here named`);
  }
  if (digest !== pin.value.toLowerCase()) {
    return fail("TRUST_PIN", `the kit's trust root has SHA-256 ${digest}, not ${pin.value}`);
  }
  const bytes = await member(kit, KIT_PLACES.trust, MAX_TRUST_BYTES);
  if (!bytes.ok) return bytes;
  const root = parseTrustedRoot(bytes.value);
  return root.ok ? ok({ root: root.value, from: `the kit, as ${pin.from} pins it` }) : root;
};

/** Whom the site expects: as everywhere, or by the kit's policy where its digest was pinned. */
export const expectedForKit = async (
  invocation: Invocation,
  settings: Settings,
  trust: Trust,
  kit: Kit,
): Promise<Result<Expected>> => {
  const pin = invocation.flags["policy-sha256"];
  if (typeof pin !== "string") return expectedFor(invocation, settings, trust);
  if (
    settings.find("policy") !== undefined ||
    settings.find("certificate-identity") !== undefined
  ) {
    return fail("CONFIG", "--policy-sha256 and another setting both say whom to expect: give one");
  }
  const bytes = await member(kit, KIT_PLACES.policy, MAX_POLICY);
  if (!bytes.ok) return bytes;
  const digest = hex(sha256(bytes.value));
  if (digest !== pin.toLowerCase()) {
    return fail("KIT_POLICY", `the kit's policy has SHA-256 ${digest}, not ${pin}`);
  }
  const policy = readKitPolicy(bytes.value);
  return policy.ok ? withWitnesses(policy.value, settings) : policy;
};
