import { defineConfig } from "rolldown";

export default defineConfig({
  input: { wheelseal: "src/cli/main.ts" },
  platform: "node",
  output: { dir: "dist", banner: "#!/usr/bin/env -S node --disable-warning=ExperimentalWarning" },
});
