import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { mintToken, signRelease } from "../cli/signed-release.ts";

const root = resolve(import.meta.dirname, "../..");
const work = mkdtempSync(join(tmpdir(), "wheelseal-library-"));
const user = join(work, "user");
const page = readFileSync(join(root, "docs/library.md"), "utf8");

/** The page's examples, each with what it prints. */
const examples = [...page.matchAll(/```ts\n(.*?)```\n\n```text\n(.*?)```/gs)].map(
  ([, code = "", printed = ""]) => ({ code, printed }),
);

let release: Awaited<ReturnType<typeof signRelease>>;

/** The page speaks of a project on gitlab.com; here it is the local stack's, by its trust. */
const local = (text: string): string =>
  text
    .replaceAll(
      "https://gitlab.com/acme/widgets//.gitlab-ci.yml@refs/tags/v1.2.0",
      release?.san ?? "",
    )
    .replaceAll("https://gitlab.com", release?.issuer ?? "")
    .replaceAll("acme/widgets", "local/packages")
    .replaceAll('ref: "refs/tags/v*"', 'ref: "refs/heads/*"')
    .replaceAll("widgets-1.2.0", "greeter-1.0.0")
    .replaceAll("widgets:", "greeter:");

const run = (program: string, args: readonly string[], cwd: string): string =>
  execFileSync(program, args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_TEST_CONTEXT: "" },
  });

/** The package as users get it: bundled, packed, and installed with no registry to ask. */
const install = (): void => {
  const project = join(work, "project");
  const rolldown = join(root, "node_modules/rolldown/bin/cli.mjs");
  run(process.execPath, [rolldown, "-c", "--dir", join(project, "dist")], root);
  for (const name of ["package.json", "README.md", "LICENSE"]) {
    cpSync(join(root, name), join(project, name));
  }
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", work], project);
  mkdirSync(user);
  writeFileSync(join(user, "package.json"), '{ "type": "module", "private": true }\n');
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const archive = join(work, `wheelseal-${version}.tgz`);
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--silent", archive], user);
  mkdirSync(join(user, "node_modules/@types"), { recursive: true });
  for (const types of ["@types/node", "undici-types"]) {
    symlinkSync(join(root, "node_modules", types), join(user, "node_modules", types));
  }
};

const TSCONFIG = {
  compilerOptions: {
    target: "es2024",
    module: "nodenext",
    strict: true,
    noEmit: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    types: ["node"],
  },
  include: ["*.ts"],
};

before(async () => {
  install();
  release = await signRelease(user);
  examples.forEach(({ code }, i) => {
    // Only one example trusts public Sigstore; this stack is not it.
    const trusted = code.includes("trust")
      ? code
      : `import { readFile } from "node:fs/promises";\nimport { parseClientTrustConfig } from "wheelseal";\nconst own = parseClientTrustConfig(await readFile("trust.json"));\nif (!own.ok) throw new Error(own.error.code);\n${code.replace(/\{ identity: (.*) \},\n/, "{ identity: $1, trust: own.value.trustedRoot },\n")}`;
    writeFileSync(join(user, `example-${i}.ts`), local(trusted));
  });
  writeFileSync(join(user, "tsconfig.json"), JSON.stringify(TSCONFIG));
});
after(async () => {
  await release?.close();
  rmSync(work, { recursive: true, force: true });
});

describe("docs/library.md", () => {
  it("has its examples", () => assert.equal(examples.length, 4));

  it("agrees with the types of the installed package", () => {
    run(join(root, "node_modules/.bin/tsc"), ["-p", "."], user);
  });

  for (const [i, { printed }] of examples.entries()) {
    it(`prints what it says (${i + 1})`, async () => {
      // Beside this process: it is here that the stack answers.
      const { stdout } = await promisify(execFile)(process.execPath, [`example-${i}.ts`], {
        cwd: user,
        env: { PATH: process.env.PATH, SIGSTORE_ID_TOKEN: await mintToken(release) },
      });
      assert.equal(stdout, local(printed));
    });
  }
});

describe("the installed package", () => {
  it("depends on nothing and has one entry", () => {
    const manifest = JSON.parse(
      readFileSync(join(user, "node_modules/wheelseal/package.json"), "utf8"),
    );
    assert.equal(manifest.dependencies, undefined);
    assert.deepEqual(Object.keys(manifest.exports), [".", "./package.json"]);
  });

  it("does not load the local stack with the library", () => {
    const dist = join(user, "node_modules/wheelseal/dist");
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(join(dist, file), "utf8");
      for (const [, next = ""] of text.matchAll(/^(?:import|export) .*?from "\.\/(.+?)";$/gm))
        visit(next);
    };
    visit("index.js");
    const loaded = [...seen].map((file) => readFileSync(join(dist, file), "utf8")).join("\n");
    assert.ok(loaded.length > 100_000, "the library is there");
    assert.doesNotMatch(loaded, /node:sqlite/);
    assert.doesNotMatch(loaded, /src\/(services|cli|web)\//);
  });
});
