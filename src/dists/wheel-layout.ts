import { fail, ok, type Result } from "../formats/result.ts";
import type { WheelFilename } from "./filename.ts";
import { type Finding, findingsOfPath } from "./finding.ts";
import { pathRegister } from "./member-path.ts";
import { parseName, shown } from "./name.ts";
import { equalVersions, parseVersion } from "./version.ts";

/** Where the files of a wheel go (PEP 427, "Installing a wheel"). */
export type WheelLayout = {
  /** `{name}-{version}.dist-info` as spelled in the wheel. */
  readonly distInfo: string;
  readonly findings: readonly Finding[];
};

/** What tells of an installation: in a wheel, it would tell of one that never was. */
const BY_INSTALLERS = ["INSTALLER", "REQUESTED", "direct_url.json"];

const SCHEMES = ["purelib", "platlib", "headers", "scripts", "data"];

/**
 * Finds the one dist-info folder, proves that it and the `.data` folder are named as the file is,
 * and that nothing in `.data` overwrites a file of the root.
 * @param files - paths of the regular files
 * @param folders - paths of the folders that are members themselves
 * @returns DIST_METADATA or DIST_PATH
 */
export const layOut = (
  wheel: WheelFilename,
  files: readonly string[],
  folders: readonly string[],
): Result<WheelLayout> => {
  const roots = [...new Set([...files, ...folders].map((path) => path.replace(/\/.*$/, "")))];
  const distInfos = roots.filter((root) => root.toLowerCase().endsWith(".dist-info"));
  const [distInfo] = distInfos;
  if (distInfo?.endsWith(".dist-info") !== true || distInfos.length !== 1) {
    return fail("DIST_METADATA", `the wheel has ${distInfos.length} dist-info folders, not one`);
  }
  const stem = distInfo.slice(0, -".dist-info".length);
  if (!namesWheel(stem, wheel)) {
    return fail("DIST_METADATA", `${wheel.filename} holds ${shown(distInfo)}, of another release`);
  }
  const data = roots.filter((root) => root.toLowerCase().endsWith(".data"));
  // Some installers take any such folder, others only the one of the same name.
  const stray = data.find((root) => root !== `${stem}.data`);
  if (stray !== undefined) {
    return fail("DIST_METADATA", `the wheel has a data folder of another name: ${shown(stray)}`);
  }
  return place(distInfo, `${stem}.data/`, files);
};

const namesWheel = (stem: string, wheel: WheelFilename): boolean => {
  const [nameText = "", versionText = "", ...more] = stem.split("-");
  const name = parseName(nameText);
  const version = parseVersion(versionText);
  return (
    more.length === 0 &&
    name.ok &&
    version.ok &&
    name.value === wheel.name &&
    equalVersions(version.value, wheel.version)
  );
};

const place = (
  distInfo: string,
  dataPrefix: string,
  paths: readonly string[],
): Result<WheelLayout> => {
  const findings: Finding[] = [];
  const register = pathRegister();
  for (const path of paths) {
    const target = targetOf(path, dataPrefix);
    if (target === undefined) {
      return fail("DIST_PATH", `${shown(path)} is of no scheme that can be installed`);
    }
    const inPackages = target.scheme === "purelib" || target.scheme === "platlib";
    if (inPackages && path !== target.path && /^[^/]*\.dist-info(?:\/|$)/i.test(target.path)) {
      return fail("DIST_METADATA", `${shown(path)} would be installed as dist-info`);
    }
    const root = inPackages ? "packages" : target.scheme;
    const added = register.add(`${root}/${target.path}`, "leaf");
    if (!added.ok) return added;
    findings.push(...findingsOfPath(path, inPackages ? target.path : inSitePackages(target.path)));
    findings.push(...findingsOfScheme(path, target.scheme));
    if (BY_INSTALLERS.some((name) => path === `${distInfo}/${name}`)) {
      findings.push({ kind: "metadata-note", path, detail: "only installers should write it" });
    }
    if (path.startsWith(`${distInfo}/sboms/`)) {
      findings.push({ kind: "sbom", path, detail: "a bill of materials (PEP 770)" });
    }
  }
  return ok({ distInfo, findings });
};

/** The scheme and the path in it; files of the root go to the packages. */
const targetOf = (
  path: string,
  dataPrefix: string,
): { scheme: string; path: string } | undefined => {
  if (!path.startsWith(dataPrefix)) return { scheme: "purelib", path };
  const [scheme = "", ...rest] = path.slice(dataPrefix.length).split("/");
  return SCHEMES.includes(scheme) && rest.length > 0 ? { scheme, path: rest.join("/") } : undefined;
};

/** Where a data file lands below site-packages, should it say the way there itself. */
const inSitePackages = (path: string): string | undefined =>
  /(?:^|\/)(?:site|dist)-packages\/(.+)$/i.exec(path)?.[1];

const findingsOfScheme = (path: string, scheme: string): Finding[] => {
  switch (scheme) {
    case "scripts":
      return [{ kind: "script", path, detail: "becomes a command" }];
    case "data":
    case "headers":
      return [{ kind: "data-file", path, detail: `installed as ${scheme}, outside the packages` }];
    default:
      return [];
  }
};
