import type { Plugin } from "rolldown";

const IMPORT = /^import \{ ([^}]+) \} from "(node:[a-z/_]+)";$/gm;

/** `a as b` in an import is `a: b` in a pattern. */
const pattern = (names: string): string => names.replaceAll(" as ", ": ");

/**
 * Takes Node's modules by `process.getBuiltinModule` where the bundle imports names of them. An
 * `import` of one first reads every property that it has, and some of them load half of Node:
 * for `node:crypto` that takes longer than a verification.
 */
export const builtinModulesPlugin = (): Plugin => ({
  name: "builtin-modules",
  renderChunk: (code) =>
    code.replaceAll(
      IMPORT,
      (_, names: string, module: string) =>
        `const { ${pattern(names)} } = process.getBuiltinModule("${module}");`,
    ),
});
