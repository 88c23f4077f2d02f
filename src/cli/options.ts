/** Options that several commands share: flag and help text, in the order they are shown. */
export type OptionHelp = readonly [flag: string, help: string];

export const JSON_OPTION: OptionHelp = ["--json", "print one JSON document on stdout"];

export const JUNIT_OPTION: OptionHelp = ["--junit <file>", "also write a JUnit report"];
export const SARIF_OPTION: OptionHelp = ["--sarif <file>", "also write what is wrong as SARIF"];

export const IDENTITY_OPTIONS: readonly OptionHelp[] = [
  ["--certificate-identity <san>", "the identity that must have signed, exactly"],
  ["--certificate-oidc-issuer <url>", "the issuer that must have vouched for it, exactly"],
  ["--policy <file>", "TOML or JSON that says whom to expect for which package"],
  ["--witness <keys>", "witnesses of the log, NAME+HINT+KEY with spaces between"],
  ["--witness-threshold <number>", "how many of them must vouch; all unless given"],
];

export const TRUST_OPTIONS: readonly OptionHelp[] = [
  ["--trusted-root <file>", "trust this trusted_root.json"],
  ["--trust-config <file>", "trust this ClientTrustConfig, and use its services"],
  ["--tuf-mirror <url>", "take the trust root from this TUF repository"],
  ["--tuf-root <file>", "the TUF root to start from, with --tuf-mirror"],
  ["--trust-sha256 <hex>", "the digest that the file of the trust option must have"],
  ["--offline", "use no network"],
];

export const PROFILE_OPTIONS: readonly OptionHelp[] = [
  ["--profile <name>", "local (the embedded stack) or gitlab"],
  ["--state <dir>", "state folder of the local stack"],
];

export const BUILD_OPTIONS: readonly OptionHelp[] = [
  ["--python <program>", "Python to build with: a path or a version such as 3.12"],
  ["--reproducible", "also normalise what the backend leaves to chance"],
  ["--set-metadata", "set name, version and Homepage from the settings, on a copy"],
  ["--name <name>", "the project's name"],
  ["--version <version>", "the project's version"],
  ["--homepage <url>", "the project's Homepage"],
];

export const SERVICE_OPTIONS: readonly OptionHelp[] = [
  ["--fulcio-url <url>", "certificate authority"],
  ["--rekor-url <url>", "transparency log"],
  ["--rekor-v2-url <url>", "Rekor v2 log for the bundles, with --tsa-url"],
  ["--tsa-url <url>", "timestamp authority"],
];

export const REGISTRY_OPTIONS: readonly OptionHelp[] = [
  ["--upload-url <url>", "where distributions are uploaded (PyPI upload API)"],
  ["--index-url <url>", "simple index to read releases from"],
  ["--generic-url <url>", "generic package NAME/VERSION that holds the signatures"],
];

/** Options of the commands that work on a lock. */
export const CLOSURE_OPTIONS: readonly OptionHelp[] = [
  ...PROFILE_OPTIONS,
  ["--config <file>", "a gateway's configuration: its upstreams and its policy"],
  ["--index-url <url>", "the one simple index that has all packages, without --config"],
  ["--evidence <dir>", "folder of evidence files, asked before the index, without --config"],
  ["--store <dir>", "keep what was fetched here, and fetch no file twice"],
  ...IDENTITY_OPTIONS,
];
