import type { IndexFile, SimpleIndex } from "../clients/simple-index.ts";
import { shown } from "../dists/name.ts";
import type { SdistReport } from "../dists/sdist.ts";
import { compareSidecar, type WheelReport } from "../dists/wheel.ts";
import { fail, ok, type Result } from "../formats/result.ts";

type Clients = {
  readonly index: Pick<SimpleIndex, "coreMetadata">;
  readonly inspect: (path: string) => Promise<Result<WheelReport | SdistReport>>;
};

/**
 * Compares what the index says about a verified file with the file: Requires-Python, and the core
 * metadata served beside a wheel, from which installers resolve dependencies.
 * @returns DIST_SIDECAR, and as the clients do
 */
export const compareIndex = async (
  listed: IndexFile,
  path: string,
  { index, inspect }: Clients,
): Promise<Result<void>> => {
  const report = await inspect(path);
  if (!report.ok) return report;
  const requires = report.value.metadata.requiresPython;
  const differs =
    listed.requiresPython !== undefined && plain(listed.requiresPython) !== plain(requires);
  if (differs) {
    const stated = `the index says that ${listed.filename} requires Python ${shown(listed.requiresPython ?? "")}`;
    return fail("DIST_SIDECAR", `${stated}, its metadata says ${shown(requires ?? "nothing")}`);
  }
  if (listed.coreMetadata === undefined || report.value.kind !== "wheel") return ok(undefined);
  const sidecar = await index.coreMetadata(listed);
  if (!sidecar.ok) return sidecar;
  return sidecar.value === undefined ? ok(undefined) : compareSidecar(report.value, sidecar.value);
};

/** The clauses of a specifier, which are a set: their order and white space carry no meaning. */
const plain = (specifier: string | undefined): string =>
  (specifier ?? "")
    .replace(/\s+/g, "")
    .split(",")
    .filter((clause) => clause !== "")
    .sort()
    .join(",");
