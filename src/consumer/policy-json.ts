import type { PackagePolicy, Policy, Waiver } from "../verification/policy-format.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import { witnessDemandJson } from "../verification/witness-demand.ts";

/** An identity as `readIdentity` reads it. */
export const identityJson = (identity: IdentityPolicy): object => {
  switch (identity.kind) {
    case "gitlab": {
      const { configPath, projectId, namespaceId, ...rest } = identity;
      return {
        ...rest,
        ...(configPath === undefined ? {} : { "config-path": configPath }),
        ...(projectId === undefined ? {} : { "project-id": projectId }),
        ...(namespaceId === undefined ? {} : { "namespace-id": namespaceId }),
      };
    }
    case "github":
    case "email":
      return identity;
    case "exact":
      return { kind: "exact", issuer: identity.issuer, identity: identity.san };
    default:
      return identity satisfies never;
  }
};

const packageJson = ({ identities, pins, tlogThreshold }: PackagePolicy): object => ({
  ...(identities.length === 0 ? {} : { identities: identities.map(identityJson) }),
  ...(pins === undefined ? {} : { pins: pins.map((pin) => `sha256:${pin}`) }),
  ...(tlogThreshold === 1 ? {} : { "tlog-threshold": tlogThreshold }),
});

const waiverJson = ({ endsAt: _, version, ...waiver }: Waiver): object => ({
  ...waiver,
  ...(version === undefined ? {} : { version }),
});

/** A policy's JSON or TOML document, as `readPolicy` reads it. */
export type PolicyDocument = {
  readonly packages: Readonly<Record<string, object>>;
  readonly waivers: readonly object[];
  readonly [key: string]: unknown;
};

/** A policy as `readPolicy` reads it. */
export const policyJson = ({ packages, waivers, witnesses, ...rest }: Policy): PolicyDocument => ({
  ...rest,
  ...(witnesses && witnessDemandJson(witnesses)),
  packages: Object.fromEntries([...packages].map(([name, one]) => [name, packageJson(one)])),
  waivers: waivers.map(waiverJson),
});
