import type { Json } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { checkIdentity } from "../verification/identity.ts";
import type { IdentityPolicy, Signer } from "../verification/verdict.ts";
import { lastingIdentity } from "./first-use.ts";

/**
 * Who signed a package's files, as `packages.attestation-identities` of a pylock.toml has it
 * (PEP 751): the keys of a PEP 740 publisher beside its `kind`. Where the issuer is not the one
 * that the kind implies it is stated too, and GitLab's numeric ids are: a path can change hands.
 */
export type AttestationIdentity = {
  readonly kind: string;
  /** The other keys, in the order in which they stand or are to be written. */
  readonly fields: Readonly<Record<string, string>>;
};

/** Issuers that a kind stands for where none is stated. */
const ISSUERS = {
  GitLab: "https://gitlab.com",
  GitHub: "https://token.actions.githubusercontent.com",
  Google: "https://accounts.google.com",
} as const;

const MAX_FIELDS = 32;

/** Keys that are compared: a value of them that is no text must not be passed over. */
const COMPARED: ReadonlySet<string> = new Set([
  ...["repository", "workflow_filepath", "workflow", "environment", "email", "identity"],
  ...["issuer", "project_id", "namespace_id"],
]);

/**
 * Reads one identity; what else is no text says nothing that could be compared.
 * @throws the place of a compared key whose value is no text
 */
export const readAttestationIdentity = (json: Json): AttestationIdentity => {
  const kind = json.field("kind").string();
  const members = json.members(MAX_FIELDS).filter(([key]) => key !== "kind");
  for (const [key, member] of members) if (COMPARED.has(key)) member.string();
  const texts = members.flatMap(([key, { value }]) =>
    typeof value === "string" ? [[key, value]] : [],
  );
  return { kind, fields: Object.fromEntries(texts) };
};

const present = (fields: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

const unlessImplied = (kind: keyof typeof ISSUERS, issuer: string): string | undefined =>
  issuer === ISSUERS[kind] ? undefined : issuer;

/** The identity to write for who signed; `undefined` for a key, which has no identity. */
export const attestationIdentityOf = (signer: Signer): AttestationIdentity | undefined => {
  const identity = lastingIdentity(signer);
  if (identity === undefined || signer.kind !== "certificate") return undefined;
  const environment = signer.claims["23"];
  switch (identity.kind) {
    case "gitlab": {
      const fields = {
        repository: identity.project,
        workflow_filepath: identity.configPath ?? ".gitlab-ci.yml",
        environment,
        issuer: unlessImplied("GitLab", identity.issuer),
        project_id: identity.projectId,
        namespace_id: identity.namespaceId,
      };
      return { kind: "GitLab", fields: present(fields) };
    }
    case "github": {
      const { repository, workflow } = identity;
      const issuer = unlessImplied("GitHub", identity.issuer);
      return { kind: "GitHub", fields: present({ repository, workflow, environment, issuer }) };
    }
    case "email": {
      const issuer = unlessImplied("Google", identity.issuer);
      if (issuer === undefined) return { kind: "Google", fields: { email: identity.email } };
      return { kind: "Sigstore", fields: { identity: identity.email, issuer } };
    }
    case "exact":
      return { kind: "Sigstore", fields: { identity: identity.san, issuer: identity.issuer } };
    default:
      return identity satisfies never;
  }
};

/**
 * What to expect of a certificate where a lock states this identity.
 * @returns LOCK_IDENTITY for a kind, or a form of it, that no certificate can be compared with
 */
export const expectationOf = ({ kind, fields }: AttestationIdentity): Result<IdentityPolicy> => {
  const { repository, workflow, email, identity, issuer } = fields;
  const filepath = fields.workflow_filepath;
  if (kind === "GitLab" && repository !== undefined && filepath !== undefined) {
    const ids = present({ projectId: fields.project_id, namespaceId: fields.namespace_id });
    const place = { project: repository, configPath: filepath };
    return ok({ kind: "gitlab", issuer: issuer ?? ISSUERS.GitLab, ...place, ...ids });
  }
  if (kind === "GitHub" && repository !== undefined && workflow !== undefined) {
    return ok({ kind: "github", issuer: issuer ?? ISSUERS.GitHub, repository, workflow });
  }
  if (kind === "Google" && email !== undefined) {
    return ok({ kind: "email", email, issuer: issuer ?? ISSUERS.Google });
  }
  if (kind === "Sigstore" && identity !== undefined && issuer !== undefined) {
    return ok({ kind: "exact", san: identity, issuer });
  }
  return fail(
    "LOCK_IDENTITY",
    `nothing can be compared with ${describeIdentity({ kind, fields })}`,
  );
};

/**
 * Whether a verified signer is who the lock states. The environment is compared where the
 * certificate names one: most do not.
 */
export const isStated = (identity: AttestationIdentity, signer: Signer): boolean => {
  const policy = expectationOf(identity);
  if (!policy.ok || signer.kind !== "certificate") return false;
  const { environment } = identity.fields;
  const actual = signer.claims["23"];
  const elsewhere =
    environment !== undefined &&
    environment !== "" &&
    actual !== undefined &&
    actual !== environment;
  return !elsewhere && checkIdentity([policy.value], signer).result.ok;
};

/** One line that names an identity. */
export const describeIdentity = ({ kind, fields }: AttestationIdentity): string =>
  [kind, ...Object.entries(fields).map(([key, value]) => `${key} ${value}`)].join(", ");
