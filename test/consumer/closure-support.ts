import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NO_AUTH } from "../../src/clients/credentials.ts";
import { systemFiles } from "../../src/clients/files.ts";
import type { Outside } from "../../src/clients/outside.ts";
import type { Closure } from "../../src/consumer/closure.ts";
import { parsePylock } from "../../src/consumer/closure-pylock.ts";
import type { FileVerdict } from "../../src/consumer/closure-verdict.ts";
import { filesOf } from "../../src/consumer/closure-verdict.ts";
import { verifyClosure } from "../../src/consumer/closure-verify.ts";
import type { ClosureWorld } from "../../src/consumer/closure-world.ts";
import { readGatewayConfig } from "../../src/consumer/gateway-config.ts";
import { openGatewayStore } from "../../src/consumer/gateway-store.ts";
import { openUpstreams } from "../../src/consumer/upstreams.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { ok, unwrap } from "../../src/formats/result.ts";
import { readPolicy } from "../../src/verification/policy-format.ts";
import { outside as world } from "../stages/sign-support.ts";
import {
  type HostileUpstream,
  INDEX,
  type OpenStack,
  type SignedFile,
  wheelOf,
} from "./hostile-upstream.ts";

/** One address for several projects. */
export const together = (...upstreams: readonly HostileUpstream[]): Outside["fetch"] =>
  (async (input, init) => {
    for (const { fetch } of upstreams) {
      const answer = await fetch(input, init);
      if (answer.status !== 404) return answer;
    }
    return new Response("no", { status: 404 });
  }) as Outside["fetch"];

/** A wheel that nobody signed. */
export const unsigned = (name: string, version: string): SignedFile => ({
  filename: `${name}-${version}-py3-none-any.whl`,
  content: wheelOf(name, version),
  evidence: new Map(),
});

/** A pylock.toml of these wheels, as uv writes it. */
export const pylockOf = (...files: readonly SignedFile[]): string => {
  const packages = files.map(({ filename, content }) => {
    const [name = "", version = ""] = filename.split("-");
    const hash = hex(sha256(content));
    return `[[packages]]
name = "${name}"
version = "${version}"
index = "${INDEX}"
wheels = [{ url = "http://upstream.test/files/${filename}", size = ${content.length}, hashes = { sha256 = "${hash}" } }]
`;
  });
  return ['lock-version = "1.0"\ncreated-by = "uv"\n', ...packages].join("\n");
};

/** Verifies a lock against an upstream that does as it is told. */
export const judge = async (
  opened: OpenStack,
  fetch: Outside["fetch"],
  lock: string | Closure,
  settings: {
    readonly policy?: unknown;
    readonly upstream?: object;
    readonly world?: Partial<ClosureWorld>;
  } = {},
) => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-closure-"));
  const { upstreams } = unwrap(
    readGatewayConfig({
      upstreams: [{ name: "own", index: INDEX, owns: ["*"], ...settings.upstream }],
    }),
  );
  const policy = unwrap(readPolicy(settings.policy ?? {}));
  const closure = typeof lock === "string" ? unwrap(parsePylock(utf8(lock), "pylock.toml")) : lock;
  const store = unwrap(await openGatewayStore(folder));
  const verdict = unwrap(
    await verifyClosure(closure, {
      expect: { kind: "policy", policy, from: "test", sha256: "00" },
      upstreams: openUpstreams(
        upstreams.map((config) => ({ config, auth: NO_AUTH })),
        { ...world, fetch },
        systemFiles,
      ),
      store,
      files: systemFiles,
      trust: async () => ok(opened.trust),
      now: world.now,
      maxBytes: 1024 * 1024,
      ...settings.world,
    }),
  );
  return {
    verdict,
    store,
    files: filesOf(verdict),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

/** What a verdict says, in a few words. */
export const said = ({ outcome, demanded, failure }: FileVerdict): string =>
  [outcome, demanded, failure?.code].filter((part) => part !== undefined).join(" ");
