import type { Files } from "../clients/files.ts";
import type { Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { Expected } from "../verification/policy.ts";
import type { FileVerdict } from "./closure-verdict.ts";
import type { GatewayStore } from "./gateway-store.ts";
import type { Upstreams } from "./upstreams.ts";

/** By what a closure is judged, and where its bytes go. */
export type ClosureWorld = {
  /** Whom to expect; absent where nobody said. A policy may leave packages to the lock. */
  readonly expect: Expected | undefined;
  readonly upstreams: Upstreams;
  /** Keeps what was fetched, by its digest: files that were not refused, and all evidence. */
  readonly store: GatewayStore;
  readonly files: Files;
  readonly trust: () => Promise<Result<TrustedRoot>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Bytes of one distribution at most. */
  readonly maxBytes: number;
  /** Whether a file is to be fetched and judged at all; every one where absent. */
  readonly wanted?: (filename: string) => boolean;
  /** Files that are fetched and verified at once; 4 where absent. */
  readonly concurrency?: number;
  /** Told of each verdict when it stands. */
  readonly report?: (verdict: FileVerdict) => void;
};
