import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { explainLines } from "../../src/cli/render-explain.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import type { ReleaseVerdict } from "../../src/stages/release.ts";
import { WHEEL } from "../stages/release-support.ts";
import { openShell } from "./shell.ts";
import { signRelease } from "./signed-release.ts";

const shell = openShell();
let release: Awaited<ReturnType<typeof signRelease>>;
const golden = new URL("../golden/explain/", import.meta.url);

before(async () => {
  release = await signRelease(shell.folder);
});
after(async () => {
  await release.close();
  rmSync(shell.folder, { recursive: true });
});

const explain = (flags = "", environment = "") =>
  shell.run(
    `${environment} wheelseal explain --trust-config trust.json --certificate-identity ${release.san} --certificate-oidc-issuer ${release.issuer} ${flags} dist/${WHEEL}`,
  );

/** Which entry comes first in the log is chance; all numbers of it have one digit. */
const steady = (text: string): string =>
  text
    .replace(/entry \d /g, "entry N ")
    .replace(/leaf \d of \d /g, "leaf N of N ")
    .replace(/size \d,/g, "size N,");

/** WHEELSEAL_UPDATE_GOLDEN=1 writes the transcripts anew; read the difference before committing. */
const compare = (name: string, { output, code }: { output: string; code: number }): void => {
  const actual = steady(`${output}exit ${code}\n`);
  const file = new URL(name, golden);
  if (process.env.WHEELSEAL_UPDATE_GOLDEN === "1") writeFileSync(file, actual);
  else assert.equal(actual, existsSync(file) ? readFileSync(file, "utf8") : "");
};

describe("explain", () => {
  it("shows each check on each piece of evidence, with its values", () =>
    compare("verified.txt", explain()));

  it("is coloured where colours are wanted, unless NO_COLOR forbids them", () => {
    const plain = explain().output;
    const forced = explain("2>/dev/null", "env -u NO_COLOR FORCE_COLOR=1").output;
    assert.ok(forced.includes("\u001b[32m"));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
    assert.equal(forced.replace(/\u001b\[\d+m/g, ""), plain);
    assert.equal(explain("2>/dev/null", "FORCE_COLOR=1").output, plain);
    assert.equal(explain("", "env -u NO_COLOR FORCE_COLOR=0").output, plain);
  });

  it("is coloured on a terminal, and never in a file that is written from one", () => {
    const line = `env -u NO_COLOR TERM=xterm wheelseal explain --trust-config trust.json --certificate-identity ${release.san} --certificate-oidc-issuer ${release.issuer} dist/${WHEEL}`;
    writeFileSync(join(shell.folder, "seen.sh"), `${line}\n`);
    writeFileSync(join(shell.folder, "kept.sh"), `${line} > kept.txt\n`);
    const onTerminal = (script: string) =>
      shell.run(`python3 -c "import pty; pty.spawn(['sh', '${script}'])" </dev/null`).output;
    assert.ok(onTerminal("seen.sh").includes("\u001b[32m"));
    onTerminal("kept.sh");
    const kept = readFileSync(join(shell.folder, "kept.txt"), "utf8");
    assert.match(kept, /verified as a release/);
    assert.equal(kept.includes("\u001b"), false);
  });

  it("says what was not looked at, and why a file was refused", () => {
    const path = join(release.dist, WHEEL);
    copyFileSync(`${path}.provenance.attestation`, `${path}.publish.attestation`);
    compare("refused.txt", explain());
  });

  it("gives the same as one JSON document", () => {
    const { output, code } = explain("--json");
    assert.equal(code, 1);
    const document = JSON.parse(output.slice(0, output.lastIndexOf("}") + 1));
    assert.equal(document.ok, false);
    assert.deepEqual(
      document.files[0].proofs.map(({ kind }: { kind: string }) => kind),
      ["bundle", "publish"],
    );
  });
});

const terminal = (columns: number, colour = false): Terminal => ({
  out: () => undefined,
  err: () => undefined,
  env: {},
  cwd: "/",
  live: false,
  colour,
  columns,
});

const VERDICT: ReleaseVerdict = {
  filename: "a\u001b[2J-1-py3-none-any.whl",
  sha256: "0".repeat(64),
  size: 1,
  proofs: [
    {
      kind: "bundle",
      file: "a.sigstore.json",
      sha256: "0".repeat(64),
      verdict: {
        verified: false,
        failure: { code: "IDENTITY_MISMATCH", message: "", hint: "" },
        checks: [
          { name: "time", status: "passed", detail: "some words that go on for a while yet" },
          {
            name: "identity",
            status: "failed",
            detail: "no",
            expected: "ann",
            actual: "\u202eeve",
          },
        ],
      },
    },
  ],
  findings: [],
  waivers: [],
  failure: { code: "IDENTITY_MISMATCH", message: "", hint: "" },
};

describe("the explanation's lines", () => {
  for (const columns of [40, 80, 120]) {
    it(`fit ${columns} columns, whatever the colours, except for words that are longer`, () => {
      const plain = explainLines(terminal(columns), VERDICT);
      const longest = (line: string) => Math.max(...line.split(" ").map((word) => word.length));
      assert.deepEqual(
        plain.filter((line) => line.length > columns && longest(line) <= 20),
        [],
      );
      assert.equal(explainLines(terminal(columns, true), VERDICT).length, plain.length);
    });
  }

  it("take fewer lines where there is room", () => {
    const [narrow, usual, wide] = [40, 80, 120].map((c) => explainLines(terminal(c), VERDICT));
    assert.ok((narrow?.length ?? 0) > (usual?.length ?? 0));
    assert.ok((usual?.length ?? 0) >= (wide?.length ?? 0));
  });

  it("fit a narrow terminal, and words are never cut", () => {
    const lines = explainLines(terminal(40), VERDICT);
    const long = lines.filter((line) => line.length > 40 && !line.includes("0".repeat(64)));
    assert.deepEqual(
      long.filter((line) => !line.includes("a\\u{1b}[2J")),
      [],
    );
    assert.ok(lines.join("\n").includes(VERDICT.sha256));
    assert.ok(lines.some((line) => line.startsWith("│                   ")));
  });

  it("hold no control character of others, and colours only where they are shown", () => {
    const plain = explainLines(terminal(100), VERDICT).join("\n");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be printed
    assert.doesNotMatch(plain, /[\u001b\u202e]/);
    assert.match(plain, /found {8}\\u\{202e\}eve/);
    const coloured = explainLines(terminal(100, true), VERDICT).join("\n");
    assert.ok(coloured.includes("\u001b[31m"));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
    assert.equal(coloured.replace(/\u001b\[\d+m/g, ""), plain);
  });

  it("name the check that decided as the last", () => {
    const lines = explainLines(terminal(100), VERDICT);
    assert.ok(lines.some((line) => line.includes("✗ identity")));
    assert.ok(lines.some((line) => line.includes("no check after this one was made")));
    assert.ok(lines.some((line) => /provenance of the build: not looked at/.test(line)));
    assert.equal(lines.at(-1), "└─ refused: IDENTITY_MISMATCH");
  });
});
