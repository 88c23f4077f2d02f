import { defineConfig } from "rolldown";
import { bundledLibrariesPlugin } from "./packaging/bundled-libraries.ts";
import { commitOf } from "./packaging/commit.ts";
import { declarationsPlugin } from "./packaging/declarations.ts";

const root = import.meta.dirname;

const SHEBANG = "#!/usr/bin/env -S node --disable-warning=ExperimentalWarning";

export default defineConfig({
  input: { wheelseal: "src/cli/main.ts", index: "src/wheelseal.ts" },
  platform: "node",
  plugins: [bundledLibrariesPlugin(root), declarationsPlugin(root, "wheelseal.d.ts")],
  transform: { define: { WHEELSEAL_COMMIT: JSON.stringify(commitOf(root) ?? "") } },
  output: {
    dir: "dist",
    cleanDir: true,
    banner: ({ name, isEntry }) => (isEntry && name === "wheelseal" ? SHEBANG : ""),
  },
});
