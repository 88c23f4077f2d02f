import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { cosignatureLine, parseNote } from "../../src/formats/checkpoint.ts";
import { formatNoteKey } from "../../src/formats/note-key.ts";
import { unwrap } from "../../src/formats/result.ts";
import { WHEEL } from "../stages/release-support.ts";
import { openShell } from "./shell.ts";
import { signRelease } from "./signed-release.ts";

const shell = openShell();
const [first, second] = [generateKey("ed25519"), generateKey("ed25519")];
const named = (name: string, { publicKey: key }: typeof first): string =>
  formatNoteKey({ name, key, signs: "cosignature" });
const FIRST = named("first.example", first);
const SECOND = named("second.example", second);

let release: Awaited<ReturnType<typeof signRelease>>;
let who: string;
before(async () => {
  release = await signRelease(shell.folder);
  who = `--certificate-identity ${release.san} --certificate-oidc-issuer ${release.issuer}`;
});
after(async () => {
  await release.close();
  rmSync(shell.folder, { recursive: true });
});

/** The first witness vouches for each checkpoint in the evidence beside the release. */
const cosignAll = (): void => {
  const evidence = readdirSync(release.dist).filter((name) => /\.(json|attestation)$/.test(name));
  for (const name of evidence) {
    const path = join(release.dist, name);
    const cosigned = JSON.parse(readFileSync(path, "utf8"), (key, value) => {
      if (key !== "envelope" || typeof value !== "string") return value;
      const { text } = unwrap(parseNote(value));
      return value + cosignatureLine(text, "first.example", first, 1n);
    });
    if (name !== "wheelseal-build.json") writeFileSync(path, JSON.stringify(cosigned));
  }
};

const verify = (args: string, file = "dist") => {
  const { output, code } = shell.run(`wheelseal verify --trust-config trust.json ${args} ${file}`);
  return { code, output, error: /error\[(\w+)\]/.exec(output)?.[1] };
};

const policyWith = (...lines: string[]): string => {
  const identity = `kind = "exact"\nissuer = "${release.issuer}"\nidentity = "${release.san}"`;
  const text = `${lines.join("\n")}\n[[packages.greeter.identities]]\n${identity}\n`;
  writeFileSync(join(shell.folder, "policy.toml"), text);
  return "--policy policy.toml";
};

test("a promise of the log is not enough where witnesses are demanded", () => {
  assert.equal(verify(who).code, 0);
  assert.equal(verify(`${who} --witness ${FIRST}`).error, "TLOG_WITNESSES");
  assert.equal(verify(policyWith(`witnesses = ["${FIRST}"]`)).error, "TLOG_WITNESSES");
});

test("the witnesses that are demanded must vouch for all evidence of a release", () => {
  cosignAll();
  const one = verify(`${who} --witness ${FIRST}`);
  assert.equal(one.code, 0, one.output);
  const list = `"${FIRST}", "${SECOND}"`;
  for (const [demand, error] of [
    [`witnesses = ["${FIRST}"]`, undefined],
    [`witnesses = [${list}]`, "TLOG_WITNESSES"],
    [`witnesses = [${list}]\nwitness-threshold = 1`, undefined],
    [`witnesses = ["${SECOND}"]`, "TLOG_WITNESSES"],
  ] as const) {
    const verdict = verify(policyWith(demand));
    assert.equal(verdict.error, error, demand + verdict.output);
    const alone = verify(
      `${policyWith(demand)} --bundle dist/${WHEEL}.sigstore.json`,
      `dist/${WHEEL}`,
    );
    assert.equal(alone.error, error, demand + alone.output);
  }
  assert.equal(verify(`${who} --witness "${FIRST} ${SECOND}" --witness-threshold 1`).code, 0);
});

test("explain names the witnesses that vouched", () => {
  const { output, code } = shell.run(
    `wheelseal explain --trust-config trust.json ${who} --witness ${FIRST} dist/${WHEEL}`,
  );
  assert.equal(code, 0, output);
  assert.match(output, /first\.example/);
});

for (const [name, args, code] of [
  ["a number without witnesses", () => `${who} --witness-threshold 1`, "CONFIG"],
  ["more than there are", () => `${who} --witness ${FIRST} --witness-threshold 2`, "CONFIG"],
  ["none", () => `${who} --witness ${FIRST} --witness-threshold 0`, "CONFIG"],
  [
    "one key under two names",
    () => `${who} --witness "${FIRST} ${named("b.example", first)}"`,
    "CONFIG",
  ],
  ["no key", () => `${who} --witness first.example`, "KEY_FORMAT"],
  [
    "those of the policy again",
    () => `${policyWith(`witnesses = ["${FIRST}"]`)} --witness ${FIRST}`,
    "CONFIG",
  ],
  ["a number alone in a policy", () => policyWith("witness-threshold = 1"), "POLICY_FORMAT"],
  ["an empty list", () => policyWith("witnesses = []"), "POLICY_FORMAT"],
  [
    "more than a policy has",
    () => policyWith(`witnesses = ["${FIRST}"]`, "witness-threshold = 2"),
    "POLICY_FORMAT",
  ],
  [
    "none of a policy's",
    () => policyWith(`witnesses = ["${FIRST}"]`, "witness-threshold = 0"),
    "POLICY_FORMAT",
  ],
] as const) {
  test(`refused as a demand: ${name}`, () => {
    assert.equal(verify(args()).error, code);
  });
}

test("a lock's commands do not pass over a demand of nobody in particular", () => {
  writeFileSync(
    join(shell.folder, "pylock.toml"),
    'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "greeter"\nversion = "1.0.0"\n[[packages.wheels]]\n' +
      `url = "http://127.0.0.1:9/${WHEEL}"\nhashes = { sha256 = "${"0".repeat(64)}" }\n`,
  );
  const { output } = shell.run(
    `wheelseal audit pylock.toml --trust-config trust.json --index-url http://127.0.0.1:9/ --witness ${FIRST}`,
  );
  assert.match(output, /error\[CONFIG\]: --witness needs a policy/);
});
