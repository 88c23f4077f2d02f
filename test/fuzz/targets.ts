import type { Target } from "./target.ts";
import { CONSUMER } from "./targets-consumer.ts";
import { DISTS } from "./targets-dists.ts";
import { EVIDENCE } from "./targets-evidence.ts";
import { FORMATS } from "./targets-formats.ts";
import { LOCKS } from "./targets-locks.ts";
import { MONITOR } from "./targets-monitor.ts";

export const TARGETS: readonly Target[] = [
  ...FORMATS,
  ...EVIDENCE,
  ...DISTS,
  ...CONSUMER,
  ...LOCKS,
  ...MONITOR,
];
