import { readFileSync, writeFileSync } from "node:fs";
import { withTables } from "./component.ts";

const page = new URL("../../docs/component.md", import.meta.url);
writeFileSync(page, withTables(readFileSync(page, "utf8")));
