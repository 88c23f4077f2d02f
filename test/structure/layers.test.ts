import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
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
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What each layer may import: the table of docs/architecture.md. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  crypto: [],
  formats: ["crypto"],
  dists: ["crypto", "formats"],
  verification: ["crypto", "formats", "dists"],
  clients: ["formats", "dists"],
  stages: ["crypto", "formats", "dists", "verification", "clients"],
  consumer: ["crypto", "formats", "dists", "verification", "clients", "stages"],
  monitor: ["crypto", "formats", "dists", "verification", "clients", "stages"],
  library: ["crypto", "formats", "dists", "verification", "clients", "stages"],
  services: ["crypto", "formats", "dists"],
  web: ["formats", "verification", "stages"],
  panel: ["crypto", "formats", "dists", "verification", "stages", "web"],
  cli: [
    "crypto",
    "formats",
    "dists",
    "verification",
    "clients",
    "stages",
    "consumer",
    "monitor",
    "web",
  ],
};
const LAYERS = Object.keys(MAY_IMPORT);
const PURE = ["formats", "dists", "verification", "stages"];

const copy = mkdtempSync(join(tmpdir(), "wheelseal-layers-"));
after(() => rmSync(copy, { recursive: true, force: true }));

const plant = (path: string, text: string): void => {
  mkdirSync(dirname(join(copy, path)), { recursive: true });
  writeFileSync(join(copy, path), text);
};

const run = (program: string, ...args: string[]): string => {
  const { stdout, stderr, status } = spawnSync(join(root, "node_modules/.bin", program), args, {
    cwd: copy,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return `${stdout}${stderr}\nexit ${status}`;
};

/** The planted modules: path, source, and the rule that must name it (none: it is honest). */
const planted: { path: string; source: string; rule: RegExp | undefined }[] = [];
const IMPURE = ["Date.now()", "new Date()", "Math.random()", 'fetch("http://127.0.0.1/")'];

for (const layer of LAYERS) {
  planted.push({
    path: `src/${layer}/honest.ts`,
    source: `export const ${layer} = 1;\n`,
    rule: undefined,
  });
  for (const other of LAYERS.filter((name) => name !== layer)) {
    const allowed = MAY_IMPORT[layer]?.includes(other) ?? false;
    planted.push({
      path: `src/${layer}/imports-${other}.ts`,
      source: `export { ${other} } from "../${other}/honest.ts";\n`,
      rule: allowed ? undefined : /noRestrictedImports/,
    });
  }
  planted.push({
    path: `src/${layer}/imports-node-crypto.ts`,
    source: 'export { createHash } from "node:crypto";\n',
    rule: layer === "crypto" ? undefined : /noRestrictedImports/,
  });
}
for (const layer of [...PURE, "clients"]) {
  for (const [i, expression] of IMPURE.entries()) {
    planted.push({
      path: `src/${layer}/impure-${i}.ts`,
      source: `export const impure = (): unknown => ${expression};\n`,
      rule: PURE.includes(layer) ? /plugin/ : undefined,
    });
  }
}
planted.push(
  {
    path: "src/wheelseal.ts",
    source: 'export { services } from "./services/honest.ts";\n',
    rule: /noRestrictedImports/,
  },
  {
    path: "src/cli/stack.ts",
    source: 'export const up = (): unknown => import("../services/honest.ts");\n',
    rule: undefined,
  },
  {
    path: "src/cli/lazy.ts",
    source: 'export const up = (): unknown => import("../services/honest.ts");\n',
    rule: /noRestrictedImports/,
  },
  {
    path: "src/formats/long-file.ts",
    source: Array.from({ length: 301 }, (_, i) => `export const a${i} = ${i};\n`).join(""),
    rule: /noExcessiveLinesPerFile/,
  },
  {
    path: "src/formats/long-function.ts",
    source: `export const f = (): number => {\n  let n = 0;\n${"  n += 1;\n".repeat(61)}  return n;\n};\n`,
    rule: /noExcessiveLinesPerFunction/,
  },
  { path: "src/formats/default.ts", source: "export default 1;\n", rule: /noDefaultExport/ },
);

type Diagnostic = { category: string; location: { path: string | { file: string } } };
let diagnostics: Diagnostic[] = [];

before(() => {
  for (const file of ["biome.json", "purity.grit", "tsconfig.base.json", "package.json"]) {
    cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const { path, source } of planted) plant(path, source);
  const output = run("biome", "lint", "--reporter=json", "--max-diagnostics=none", "src");
  const report = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
  diagnostics = report.diagnostics as Diagnostic[];
});

const found = (path: string): string[] =>
  diagnostics
    .filter(({ location }) => {
      const where = typeof location.path === "string" ? location.path : location.path.file;
      return where.endsWith(path);
    })
    .map(({ category }) => category);

for (const { path, rule } of planted) {
  test(`the linter ${rule === undefined ? "accepts" : "refuses"} ${path}`, () => {
    if (rule === undefined) assert.deepEqual(found(path), []);
    else assert.match(found(path).join(" "), rule);
  });
}

test("the compiler gives a pure layer no Node, and no import against the order of the layers", () => {
  rmSync(join(copy, "src"), { recursive: true });
  cpSync(join(root, "src/platform.d.ts"), join(copy, "src/platform.d.ts"));
  for (const layer of LAYERS) {
    plant(`src/${layer}/honest.ts`, `export const ${layer} = 1;\n`);
    cpSync(join(root, "src", layer, "tsconfig.json"), join(copy, "src", layer, "tsconfig.json"));
  }
  assert.match(run("tsc", "-b", "src/cli", "src/services"), /^\nexit 0$/);
  for (const layer of PURE) {
    const path = `src/${layer}/planted.ts`;
    plant(path, 'export const bytes = Buffer.from("x");\nexport const home = process.env;\n');
    const output = run("tsc", "-b", `src/${layer}`);
    rmSync(join(copy, path));
    assert.match(output, /Cannot find name 'Buffer'/);
    assert.match(output, /Cannot find name 'process'/);
  }
  plant("src/formats/planted.ts", 'export { services } from "../services/honest.ts";\n');
  assert.match(run("tsc", "-b", "src/formats"), /error TS6307|error TS6059/);
});

test("the command line reaches the services only by a lazy import", () => {
  const source = readFileSync(join(root, "src/cli/stack.ts"), "utf8");
  assert.doesNotMatch(source, /^import (?!type)[^;]*\.\.\/services\//m);
  assert.match(source, /import\("\.\.\/services\//);
});
