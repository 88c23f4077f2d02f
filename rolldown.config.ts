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

const shared = {
  platform: "node",
  transform: { define: { WHEELSEAL_COMMIT: JSON.stringify(commitOf(root) ?? "") } },
} as const;

export default defineConfig([
  {
    ...shared,
    input: { wheelseal: "src/cli/launch.ts", "verify-worker": "src/cli/verify-worker.ts" },
    plugins: [bundledLibrariesPlugin(root), builtinModulesPlugin(), panelPlugin(root)],
    output: {
      dir: "dist",
      cleanDir: true,
      codeSplitting: { groups: [together("command-line", FIRST)] },
      banner: ({ name, isEntry }) => (isEntry && name === "wheelseal" ? SHEBANG : ""),
    },
  },
  // Apart, so that who imports the library loads nothing of the command line. All libraries that are
  // bundled here are in the command line too, whose bill of materials names them.
  {
    ...shared,
    input: { index: "src/wheelseal.ts" },
    plugins: [builtinModulesPlugin(), declarationsPlugin(root, "wheelseal.d.ts")],
    output: { dir: "dist", chunkFileNames: "library/[name]-[hash].js" },
  },
]);
