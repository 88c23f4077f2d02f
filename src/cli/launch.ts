import { enableCompileCache } from "node:module";
import { compileCacheFolder } from "./compile-cache.ts";

// How the bundle is started. NODE_DISABLE_COMPILE_CACHE=1 leaves the cache out.
const folder = compileCacheFolder(process.env);
if (folder !== undefined) enableCompileCache(folder);

const { runCommandLine } = await import("./command-line.ts");
await runCommandLine();
