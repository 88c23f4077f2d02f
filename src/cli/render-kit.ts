import type { Kit } from "../consumer/kit-archive.ts";
import { KIT_PLACES, type KitManifest, type KitTrust } from "../consumer/kit-manifest.ts";
import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { formatTrustedRoot } from "../formats/trusted-root.ts";
import { visible } from "../formats/visible.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { Invocation } from "./command.ts";
import type { Judged } from "./kit-judge.ts";
import { showRelease } from "./render-release.ts";
import { paint, type Terminal } from "./terminal.ts";

/** What is told of a kit that was written. */
export type WrittenKit = {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  readonly manifest: Omit<KitManifest, "files">;
  /** Digests of the trust root and the policy in it. */
  readonly trust: string;
  readonly policy: string;
  readonly verdicts: readonly ReleaseVerdict[];
};

const trustLine = ({ from, tuf }: KitTrust): string =>
  tuf === undefined
    ? visible(from)
    : `${visible(from)} (TUF root version ${tuf.rootVersion}, expires ${visible(tuf.expires)})`;

/** Says what was written, and the digests that go to the other site by another way. */
export const showWritten = ({ terminal, flags }: Invocation, written: WrittenKit): void => {
  const { path, size, manifest, trust, policy, verdicts } = written;
  const expires = rfc3339(manifest.expiresAt);
  if (flags.json === true) {
    const kit = { path, size, sha256: written.sha256, expiresAt: expires, trust, policy };
    terminal.out(JSON.stringify({ ok: true, kit, files: verdicts }, null, 2));
    return;
  }
  for (const verdict of verdicts) showRelease(terminal, verdict);
  terminal.out(`kit     ${path}`);
  terminal.out(`  sha256:${written.sha256}, ${size} bytes`);
  terminal.out(`expires ${expires}`);
  terminal.out(`trust   sha256:${trust}`);
  terminal.out(`        ${trustLine(manifest.trust)}`);
  terminal.out(`policy  sha256:${policy}`);
  terminal.out(`        ${visible(manifest.policy.from)}`);
};

const digestIn = (kit: Kit, path: string): string => kit.files.get(path)?.sha256 ?? "";

/** Says what verifying a kit came to. */
export const showKit = (terminal: Terminal, kit: Kit, judged: Judged): void => {
  const { manifest } = kit;
  for (const { verdict, outcome } of judged.verdicts) showRelease(terminal, verdict, outcome);
  const { audit } = judged;
  if (audit !== undefined) {
    const { length: there } = manifest.packages;
    const out = audit.files.length - there;
    const rest = out === 0 ? "" : `; ${out} more it refused or could not have, see report.json`;
    terminal.out(
      `audit   of ${visible(audit.lock.file)}: ${there} ${there === 1 ? "file" : "files"}${rest}`,
    );
  }
  terminal.out(`kit     sha256:${kit.sha256}, made ${rfc3339(manifest.createdAt)}`);
  terminal.out(`expires ${rfc3339(manifest.expiresAt)}`);
  if (judged.acceptedExpired !== undefined) {
    const said = `        accepted all the same: ${visible(judged.acceptedExpired)}`;
    terminal.out(paint(terminal, "yellow", said));
  }
  const root = hex(sha256(formatTrustedRoot(judged.trust.root)));
  terminal.out(`trust   sha256:${root}`);
  terminal.out(`        ${visible(judged.trust.from)}`);
  const { tuf } = judged.trust;
  if (tuf !== undefined) {
    terminal.out(`        TUF root version ${tuf.rootVersion}, expires ${rfc3339(tuf.expires)}`);
  }
  if (root !== digestIn(kit, KIT_PLACES.trust)) {
    terminal.out("        the kit was made with another trust root, which was not used");
  }
};

/** The JSON document of a kit's verification. */
export const kitDocument = (kit: Kit, judged: Judged): string => {
  const { manifest } = kit;
  return JSON.stringify(
    {
      ok: judged.failure === undefined,
      ...(judged.failure && { error: judged.failure }),
      kit: {
        kind: manifest.kind,
        sha256: kit.sha256,
        size: kit.size,
        createdAt: rfc3339(manifest.createdAt),
        expiresAt: rfc3339(manifest.expiresAt),
        ...(judged.acceptedExpired === undefined
          ? {}
          : { acceptedExpired: judged.acceptedExpired }),
      },
      trust: {
        from: judged.trust.from,
        sha256: hex(sha256(formatTrustedRoot(judged.trust.root))),
        inKit: digestIn(kit, KIT_PLACES.trust),
      },
      ...(judged.audit && { audit: judged.audit }),
      policy: { inKit: digestIn(kit, KIT_PLACES.policy), ...manifest.policy },
      files: judged.verdicts.map(({ verdict, outcome }) => ({ ...verdict, outcome })),
    },
    null,
    2,
  );
};
