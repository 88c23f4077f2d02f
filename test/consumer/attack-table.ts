import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import type { Code } from "../../src/formats/errors.ts";
import type { ZipMember } from "../dists/zip-writer.ts";
import { entry, sdist, wheel } from "./attack-files.ts";
import type { ROWS } from "./attack-rows.ts";
import { metadataOf, type OpenStack, signWheel, wheelOf } from "./hostile-upstream.ts";
import type { ListedFile, UpstreamServer } from "./upstream-server.ts";

/** What an attack is staged with. */
export type Site = {
  readonly opened: OpenStack;
  readonly upstream: UpstreamServer;
  /** Fetches a file as an installer does, and gives its code, or `served`. */
  readonly fetch: (project: string, filename: string) => Promise<string>;
};

/** One attack of the list in reference/pypack.md, section 4. */
export type Attack = {
  readonly row: (typeof ROWS)[number];
  /** What is done, where the row alone does not say it. */
  readonly by?: string;
  /** In the project of this name. */
  readonly project: string;
  readonly code: Code;
  /** Version that an installer asks for. */
  readonly version: string;
  /** The policy pins the digests of these files: even so they are refused. */
  readonly pinned?: readonly ListedFile[];
  /** Lists the files, and changes them once some were served. */
  readonly stage: (site: Site) => Promise<unknown>;
};

/** An attack by the content of a file alone, which the policy even pins. */
const byContent = (row: Attack["row"], by: string, code: Code, file: ListedFile): Attack => {
  const [project = ""] = file.filename.split("-");
  const stage = async ({ upstream }: Site) => upstream.add(project, file);
  return { row, by, project, code, version: "1.0", pinned: [file], stage };
};

const withFile = (path: string, content: string) => (members: ZipMember[]) => [
  ...members,
  { name: path, content },
];

const ARCHIVES: readonly Attack[] = [
  byContent(
    "RECORD hash mismatch / unlisted file",
    "another content than RECORD says",
    "DIST_RECORD",
    wheel("changed", {
      change: ([first, ...rest]) => [{ ...first!, content: "import os\n" }, ...rest],
    }),
  ),
  byContent(
    "RECORD hash mismatch / unlisted file",
    "a file that RECORD does not list",
    "DIST_RECORD",
    wheel("unlisted", { change: withFile("sitecustomize.py", "import os\n") }),
  ),
  byContent(
    "ZIP differential",
    "a name twice",
    "DIST_PATH",
    wheel("twice", { change: withFile("twice.py", "import os\n") }),
  ),
  byContent(
    "ZIP differential",
    "a member that the directory does not list",
    "DIST_ZIP",
    wheel("hidden", {
      change: (members) => [...members, { name: "h.py", content: "x", omitCentral: true }],
    }),
  ),
  byContent(
    "ZIP differential",
    "bytes after the end",
    "DIST_ZIP",
    wheel("trailing", { options: { suffix: utf8("PK\u0005\u0006") } }),
  ),
  byContent(
    "Name/version mismatch",
    "another version in METADATA",
    "DIST_VERSION",
    wheel("mismatch", { metadata: metadataOf("mismatch", "9.9") }),
  ),
  byContent(
    "Tar traversal",
    "a path out of the root",
    "DIST_PATH",
    sdist("traversal", [{ name: "ROOT/../../evil", content: "x" }]),
  ),
  byContent(
    "Tar traversal",
    "a link out of the root",
    "DIST_TAR",
    sdist("linked", [{ name: "ROOT/out", type: "2", linkName: "../../../etc/passwd" }]),
  ),
  byContent(
    "Tar traversal",
    "a device",
    "DIST_TAR",
    sdist("device", [{ name: "ROOT/null", type: "3" }]),
  ),
  byContent(
    "Wheel ../",
    "a path out of the root",
    "DIST_PATH",
    wheel("dotdot", { more: [entry("../evil.py", "import os\n")] }),
  ),
];

const signed = (
  { opened }: Site,
  name: string,
  version: string,
  options?: Parameters<typeof signWheel>[3],
): Promise<ListedFile> => signWheel(opened, name, version, options);

/** Evidence of one file under the names of another's. */
const renamed = ({ evidence }: ListedFile, from: string, to: string) =>
  new Map([...(evidence ?? [])].map(([name, bytes]) => [name.replace(from, to), bytes] as const));

const served = (code: string): void => {
  if (code !== "served") throw new Error(`the first file was refused: ${code}`);
};

/** Lists and serves the first release, then does what comes later. */
const afterFirst =
  (project: string, then: (site: Site, first: ListedFile) => unknown): Attack["stage"] =>
  async (site) => {
    const first = await signed(site, project, "1.0");
    site.upstream.add(project, first);
    served(await site.fetch(project, first.filename));
    await then(site, first);
  };

const SOURCE = sdist("othercode", [{ name: "ROOT/othercode.py", content: "GREETING = 'hi'\n" }]);

const SIGNED: readonly Attack[] = [
  {
    row: "Hidden metadata deps",
    project: "sidecar",
    code: "DIST_SIDECAR",
    version: "1.0",
    stage: async (site) => {
      const says = { "core-metadata": true };
      site.upstream.add("sidecar", { ...(await signed(site, "sidecar", "1.0")), says });
      const lie = `${metadataOf("sidecar", "1.0").trimEnd()}\nRequires-Dist: evil\n`;
      site.upstream.add("sidecar", {
        filename: "sidecar-1.0-py3-none-any.whl.metadata",
        content: utf8(lie),
      });
    },
  },
  {
    row: "Rollback",
    project: "rollback",
    code: "GATEWAY_ROLLBACK",
    version: "1.0",
    stage: afterFirst("rollback", async (site) => {
      const second = await signed(site, "rollback", "1.1");
      site.upstream.add("rollback", second);
      served(await site.fetch("rollback", second.filename));
      site.upstream.remove("rollback", second.filename);
    }),
  },
  {
    row: "Replaced file",
    project: "replaced",
    code: "GATEWAY_REPLACED",
    version: "1.0",
    stage: afterFirst("replaced", async (site) => {
      const again = await signed(site, "replaced", "1.0", { body: "import os\n" });
      site.upstream.add("replaced", again);
    }),
  },
  {
    row: "Late file in old release",
    project: "late",
    code: "GATEWAY_LATE_FILE",
    version: "1.0",
    stage: async (site) => {
      const { content, evidence } = await signed(site, "late", "1.0");
      const source = sdist("late", []);
      site.upstream.add("late", { ...source, says: { "upload-time": "2025-06-01T00:00:00Z" } });
      const filename = "late-1.0-py3-none-any.whl";
      site.upstream.add("late", { filename, content, ...(evidence && { evidence }) });
    },
  },
  {
    row: "Replayed signature",
    by: "of another release",
    project: "replayed",
    code: "SIGNATURE_DIGEST",
    version: "2.0",
    stage: afterFirst("replayed", ({ upstream }, first) => {
      const filename = "replayed-2.0-py3-none-any.whl";
      const content = wheelOf("replayed", "2.0", "import os\n");
      upstream.add("replayed", { filename, content, evidence: renamed(first, "1.0", "2.0") });
    }),
  },
  {
    row: "Replayed signature",
    by: "the same bytes under another version's name",
    project: "renamed",
    code: "DIST_METADATA",
    version: "2.0",
    stage: afterFirst("renamed", ({ upstream }, first) => {
      const filename = "renamed-2.0-py3-none-any.whl";
      const evidence = renamed(first, "1.0", "2.0");
      upstream.add("renamed", { filename, content: first.content, evidence });
    }),
  },
  {
    row: "Token upload, attested project",
    by: "the identity vanishes",
    project: "vanished",
    code: "GATEWAY_ATTESTATION_LOST",
    version: "2.0",
    stage: afterFirst("vanished", ({ upstream }) =>
      upstream.add("vanished", wheel("vanished", { version: "2.0" })),
    ),
  },
  {
    row: "Token upload, attested project",
    by: "the identity changes",
    project: "changedhands",
    code: "GATEWAY_IDENTITY_CHANGED",
    version: "2.0",
    stage: afterFirst("changedhands", async (site) => {
      const project = "evil/packages";
      site.upstream.add("changedhands", await signed(site, "changedhands", "2.0", { project }));
    }),
  },
  {
    row: "Token upload, never attested",
    project: "unsigned",
    code: "EVIDENCE_MISSING",
    version: "1.0",
    stage: async ({ upstream }) => upstream.add("unsigned", wheel("unsigned")),
  },
  {
    row: "Own workflow poisoned",
    project: "poisoned",
    code: "GATEWAY_COOLDOWN",
    version: "2.0",
    // The real publisher's signature is good: time is what is left, for somebody to notice.
    stage: afterFirst("poisoned", async (site) =>
      site.upstream.add("poisoned", await signed(site, "poisoned", "2.0", { body: "import os\n" })),
    ),
  },
  {
    row: "Wheel≠sdist",
    by: "other code",
    project: "othercode",
    code: "GATEWAY_RELEASE_DIFFERS",
    version: "1.0",
    pinned: [SOURCE],
    stage: async (site) => {
      const now = new Date().toISOString();
      site.upstream.add("othercode", { ...SOURCE, says: { "upload-time": now } });
      served(await site.fetch("othercode", SOURCE.filename));
      site.upstream.add("othercode", await signed(site, "othercode", "1.0"));
    },
  },
  {
    row: "Empty provenance",
    project: "empty",
    code: "ATTESTATION_EMPTY",
    version: "1.0",
    stage: async (site) => {
      const says = { provenance: `${site.upstream.origin}/files/empty/p` };
      site.upstream.add("empty", { ...(await signed(site, "empty", "1.0")), says });
      const content = utf8(JSON.stringify({ version: 1, attestation_bundles: [] }));
      site.upstream.add("empty", { filename: "p", content });
    },
  },
];

/** What is let through, since many honest wheels have it, and put on the trail. */
export const STARTUP_CODE = wheel("startup", { more: [entry("evil.pth", "import os\n")] });

export const ATTACKS: readonly Attack[] = [...ARCHIVES, ...SIGNED];

/** The digests that the policy of the test pins. */
export const pinsOf = (files: readonly ListedFile[] = []): string[] =>
  files.map(({ content }) => `sha256:${hex(sha256(content))}`);
