import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { World } from "../test/interop/world.ts";
import type { Lab } from "./bench.ts";
import type { Command } from "./measure.ts";

/** Nothing of this process's CI or Sigstore settings. */
export const plainEnvironment = (lab: Lab): Record<string, string | undefined> => ({
  PATH: process.env.PATH,
  HOME: join(lab.folder, "home"),
  NO_COLOR: "1",
});

/** A run of the bundled tool. */
export const ours = (lab: Lab, args: readonly string[], env = {}): Command => ({
  program: process.execPath,
  args: ["--disable-warning=ExperimentalWarning", lab.tool, ...args],
  env: { ...plainEnvironment(lab), ...env },
  cwd: lab.folder,
});

/** Whom to trust and expect, for a verification that asks nobody. */
export const offline = (world: World): string[] => [
  ...["--trusted-root", world.trust("trusted_root.json"), "--offline"],
  ...["--certificate-identity", world.identity, "--certificate-oidc-issuer", world.issuer],
];

export const local = ({ world }: Lab): string[] => [
  ...["--profile", "local", "--state", world.stack.state],
];

/** How cosign is told of the stack. */
export const cosignTrust = (world: World): Record<string, string> => ({
  SIGSTORE_ROOT_FILE: world.trust("fulcio-chain.pem"),
  SIGSTORE_REKOR_PUBLIC_KEY: world.trust("rekor.pub"),
  SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: world.trust("ctfe.pub"),
});

/** cosign 2.2.3 on one file: signs it and writes its bundle, or verifies it by that bundle alone. */
export const cosign = (
  lab: Lab,
  what: "sign" | "verify",
  file: string,
  bundle: string,
  token = "",
): Command => {
  const { world } = lab;
  const { fulcio, rekor } = world.stack.urls;
  const identity = [
    ...["--certificate-identity", world.identity, "--certificate-oidc-issuer", world.issuer],
  ];
  const args =
    what === "sign"
      ? ["sign-blob", "--yes", "--fulcio-url", fulcio, "--rekor-url", rekor, "--bundle", bundle]
      : ["verify-blob", "--offline", "--bundle", bundle, ...identity];
  return {
    program: world.program("cosign-2.2"),
    args: [...args, file],
    env: {
      ...plainEnvironment(lab),
      ...cosignTrust(world),
      ...(what === "sign" ? { SIGSTORE_ID_TOKEN: token } : {}),
    },
  };
};

export const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));
