import { defineConfig } from "rolldown";
import { bundledLibrariesPlugin } from "./packaging/bundled-libraries.ts";
import { commitOf } from "./packaging/commit.ts";

const root = import.meta.dirname;

export default defineConfig({
  input: { wheelseal: "src/cli/main.ts" },
  platform: "node",
  plugins: [bundledLibrariesPlugin(root)],
  transform: { define: { WHEELSEAL_COMMIT: JSON.stringify(commitOf(root) ?? "") } },
  output: {
    dir: "dist",
    cleanDir: true,
    banner: "#!/usr/bin/env -S node --disable-warning=ExperimentalWarning",
  },
});
