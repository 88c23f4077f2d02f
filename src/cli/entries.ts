import { verifyCommand } from "./command-verify.ts";
import { CONSUMER_ENTRIES } from "./consumer-entries.ts";
import type { Entry } from "./entry.ts";
import {
  BUILD_OPTIONS,
  IDENTITY_OPTIONS,
  JSON_OPTION,
  JUNIT_OPTION,
  type OptionHelp,
  PROFILE_OPTIONS,
  REGISTRY_OPTIONS,
  SERVICE_OPTIONS,
  TRUST_OPTIONS,
} from "./options.ts";

const OUT_OPTION: OptionHelp = ["--out <dir>", "folder of the distributions, dist where not given"];
const REBUILD_OPTION: OptionHelp = ["--rebuild", "build again, also what is built already"];
const FORCE_OPTION: OptionHelp = ["--force", "sign again what is already signed"];
const PER_FILE_OPTION: OptionHelp = ["--certificate-per-file", "one certificate a file"];
const FIRST_OPTION: OptionHelp = ["--signatures-first", "publish signatures before the packages"];
const SUMMARY_OPTION: OptionHelp = [
  "--summary <file>",
  "sign a SLSA verification summary of the result, and write it here",
];

/** All commands, in the order in which help shows them. */
export const ENTRIES: readonly Entry[] = [
  {
    name: "pipeline",
    operands: "[dir]",
    summary: "the six stages on a project",
    options: [
      ...PROFILE_OPTIONS,
      OUT_OPTION,
      ...BUILD_OPTIONS,
      REBUILD_OPTION,
      ...SERVICE_OPTIONS,
      ...REGISTRY_OPTIONS,
      ...IDENTITY_OPTIONS,
      ...TRUST_OPTIONS,
      FIRST_OPTION,
      PER_FILE_OPTION,
      SUMMARY_OPTION,
      JUNIT_OPTION,
      JSON_OPTION,
    ],
    load: async () => (await import("./command-pipeline.ts")).pipelineCommand,
  },
  {
    name: "build",
    operands: "[dir]",
    summary: "make a wheel and an sdist, and the record of how",
    options: [OUT_OPTION, ...BUILD_OPTIONS, JSON_OPTION],
    load: async () => (await import("./command-build.ts")).buildCommand,
  },
  {
    name: "sign",
    operands: "[files...]",
    summary: "sign the built distributions of a folder, or files, with this job's identity",
    options: [
      ...PROFILE_OPTIONS,
      ...SERVICE_OPTIONS,
      ...TRUST_OPTIONS,
      ...IDENTITY_OPTIONS,
      PER_FILE_OPTION,
      FORCE_OPTION,
      ["--dotenv <file>", "tell later jobs the release and its record's digest"],
      ["--without-record", "sign files that wheelseal did not build; no provenance is made"],
      JSON_OPTION,
    ],
    load: async () => (await import("./command-sign.ts")).signCommand,
  },
  {
    name: "verify",
    operands: "[files...]",
    summary: "verify a folder of distributions, or files with given evidence",
    options: [
      ...IDENTITY_OPTIONS,
      ["--bundle <file>", "evidence: a Sigstore bundle, or cosign's --bundle JSON"],
      ["--signature <file>", "evidence: a detached signature, with --certificate or --key"],
      ["--certificate <file>", "evidence: the certificate of a detached signature"],
      ["--attestation <file>", "evidence: a PEP 740 attestation or provenance object"],
      ["--key <pem>", "the managed key that must have signed"],
      ["--predicate-type <uri>", "the predicate type that a given attestation must have"],
      ...SERVICE_OPTIONS,
      ...TRUST_OPTIONS,
      ...PROFILE_OPTIONS,
      SUMMARY_OPTION,
      ["--report <dir>", "write wheelseal-report.html and its JSON into this folder"],
      ["--shard <I/N>", "only the I-th of N parts of a folder; auto takes CI_NODE_INDEX"],
      JUNIT_OPTION,
      JSON_OPTION,
    ],
    // Not loaded when it is called, but with the rest: it starts most often and ends soonest.
    load: async () => verifyCommand,
  },
  {
    name: "report",
    operands: "[args...]",
    summary: "merge RESULT…: one verdict from the JSON results of all shards",
    options: [
      JUNIT_OPTION,
      ["--sarif <file>", "of an audit: also write what is wrong as SARIF"],
      JSON_OPTION,
    ],
    load: async () => (await import("./command-report.ts")).reportCommand,
  },
  {
    name: "publish",
    operands: "[dist]",
    summary: "verify, then upload the distributions to the index",
    options: [
      ...PROFILE_OPTIONS,
      ...REGISTRY_OPTIONS,
      ...IDENTITY_OPTIONS,
      ...TRUST_OPTIONS,
      JSON_OPTION,
    ],
    load: async () => (await import("./command-publish.ts")).publishCommand,
  },
  {
    name: "publish-signatures",
    operands: "[dist]",
    summary: "verify, then upload signatures and attestations to the generic registry",
    options: [
      ...PROFILE_OPTIONS,
      ...REGISTRY_OPTIONS,
      ...IDENTITY_OPTIONS,
      ...TRUST_OPTIONS,
      JSON_OPTION,
    ],
    load: async () => (await import("./command-publish.ts")).publishSignaturesCommand,
  },
  {
    name: "consume",
    operands: "[requirement]",
    summary: "fetch NAME==VERSION as an outsider, verify, install and import it",
    options: [
      ...PROFILE_OPTIONS,
      ["--index-url <url>", "simple index to read the release from"],
      ["--generic-url <url>", "generic package NAME/VERSION that holds the signatures"],
      ...IDENTITY_OPTIONS,
      ...TRUST_OPTIONS,
      ["--python <program>", "Python to install into: a path or a version such as 3.12"],
      ["--from <dir>", "the release that was built into this folder, which it must be the same as"],
      ["--download <dir>", "keep the verified files here"],
      JSON_OPTION,
    ],
    load: async () => (await import("./command-consume.ts")).consumeCommand,
  },
  {
    name: "explain",
    operands: "<file>",
    summary: "every check on a file: what was compared, and why it passed or not",
    options: [...IDENTITY_OPTIONS, ...TRUST_OPTIONS, ...PROFILE_OPTIONS, JSON_OPTION],
    load: async () => (await import("./command-explain.ts")).explainCommand,
  },
  {
    name: "monitor",
    operands: "[action]",
    summary:
      "follow logs, and alarm when an identity signs what is not on record; or alarms: list them",
    options: [
      ["--config <file>", "the monitor's configuration (TOML); flags win over it"],
      ["--identity <san>", "an identity to watch, exactly, with --issuer"],
      ["--issuer <url>", "the issuer that vouches for it, exactly"],
      ["--project <path>", "watch a GitLab project's jobs instead, with --issuer"],
      ["--ref <glob>", "only at such refs, for example refs/tags/v*"],
      ["--records <dir>", "folder of what pipelines left: records, bundles, attestations, reports"],
      ["--strict", "let only records that name the certificate count"],
      ["--grace <time>", "how much later than its entry a record may come, for example 30m"],
      ["--state <dir>", "state folder, .wheelseal/monitor where not given"],
      ["--rekor-url <url>", "follow this Rekor v1 log instead of those of the trust root"],
      ["--rekor-v2-url <url>", "follow this Rekor v2 log"],
      ["--from-now", "begin with what is logged from now on, as where nothing is said"],
      ["--from-index <n>", "begin with this entry"],
      ["--once", "make one pass, as where no interval is given"],
      ["--interval <time>", "make a pass each 30s, 5m or 1h until interrupted"],
      ["--webhook-url-env <name>", "the variable with the URL that alarms are posted to"],
      ["--gitlab-issues <file>", "write alarms as GitLab issues (JSON); - is stdout"],
      ["--witness <keys>", "keys of witnesses, NAME+HINT+KEY with spaces between"],
      ["--witness-threshold <n>", "how many of them must vouch, all where not given"],
      ["--profile <name>", "local (the embedded stack's logs) or gitlab"],
      ...TRUST_OPTIONS,
      JSON_OPTION,
    ],
    load: async () => (await import("./command-monitor.ts")).monitorCommand,
  },
  ...CONSUMER_ENTRIES,
  {
    name: "up",
    operands: "",
    summary: "run the local stack until interrupted",
    options: [
      ["--state <dir>", "state folder, .wheelseal/state where not given"],
      ["--port <n>", "port on loopback; the last one used, or any"],
      ["--policy <file>", "by which the console judges; the local project's jobs where not given"],
      JSON_OPTION,
    ],
    load: async () => (await import("./command-up.ts")).upCommand,
  },
  {
    name: "trust",
    operands: "[action] [dir]",
    summary:
      "show whom to trust, refresh it by TUF; export the local stack's trust files, rotate its keys",
    options: [
      ...TRUST_OPTIONS,
      ...PROFILE_OPTIONS,
      ["--key <names>", "rotate: issuer,ca,ctlog,rekor,rekor-v2,tsa,tuf or all (default: tuf)"],
      JSON_OPTION,
    ],
    load: async () => (await import("./command-trust.ts")).trustCommand,
  },
  {
    name: "log",
    operands: "[action]",
    summary: "fsck: derive the local stack's logs anew from their entries, and compare",
    options: [
      ["--state <dir>", "state folder of the local stack, which must be down"],
      JSON_OPTION,
    ],
    load: async () => (await import("./command-log.ts")).logCommand,
  },
  {
    name: "token",
    operands: "",
    summary: "a GitLab-shaped id_token from the local issuer",
    options: [
      ["--state <dir>", "state folder of the local stack"],
      ["--project <path>", "project path, for example acme/widgets"],
      ["--ref <name>", "branch or tag name"],
      ["--ref-type <type>", "branch or tag"],
      ["--audience <aud>", "audience, sigstore where not given"],
      JSON_OPTION,
    ],
    load: async () => (await import("./command-token.ts")).tokenCommand,
  },
  {
    name: "init",
    operands: "[dir]",
    summary: "write the CI component's include and [tool.wheelseal] for a project",
    options: [["--dry-run", "show what would be written"], JSON_OPTION],
    load: async () => (await import("./command-init.ts")).initCommand,
  },
];

/** The command of that name, if there is one. */
export const entryNamed = (name: string | undefined): Entry | undefined =>
  ENTRIES.find((entry) => entry.name === name);
