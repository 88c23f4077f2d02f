import { join } from "node:path";
import { defineConfig } from "rolldown";
import { builtinModulesPlugin } from "./packaging/builtin-modules.ts";
import { bundledLibrariesPlugin } from "./packaging/bundled-libraries.ts";
import { commitOf } from "./packaging/commit.ts";
import { declarationsPlugin } from "./packaging/declarations.ts";
import { panelPlugin } from "./packaging/panel.ts";
import { together } from "./packaging/together.ts";

const root = import.meta.dirname;

const SHEBANG = "#!/usr/bin/env -S node --disable-warning=ExperimentalWarning";

/** What every start needs, and `wheelseal verify FILE --bundle …` to its end. */
const FIRST = join(root, "src", "cli", "command-line.ts");

export default defineConfig({
  input: {
    wheelseal: "src/cli/launch.ts",
    "verify-worker": "src/cli/verify-worker.ts",
    index: "src/wheelseal.ts",
  },
  platform: "node",
  plugins: [
    bundledLibrariesPlugin(root),
    builtinModulesPlugin(),
    panelPlugin(root),
    declarationsPlugin(root, "wheelseal.d.ts"),
  ],
  transform: { define: { WHEELSEAL_COMMIT: JSON.stringify(commitOf(root) ?? "") } },
  output: {
    dir: "dist",
    cleanDir: true,
    codeSplitting: { groups: [together("command-line", FIRST)] },
    banner: ({ name, isEntry }) => (isEntry && name === "wheelseal" ? SHEBANG : ""),
  },
});
