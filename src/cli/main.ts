import { runCommandLine } from "./command-line.ts";

// How the tool is started from its sources; the bundle is started by launch.ts.
await runCommandLine();
