import { explain, satisfies } from "@renovatebot/pep440";

/**
 * What a client says of the Python that it installs for. Anybody can say anything: it is good for
 * guesses and for nothing else.
 */
export type ClientEnvironment = {
  /** Of the language, for example `3.11.7`. */
  readonly python: string;
  /** Its first two parts, for example `3.11`. */
  readonly language: string;
  /** As `platform.system()` says it. */
  readonly system: "Linux" | "Darwin" | "Windows";
  /** In lower case: `x86_64`, `arm64`, `amd64`. */
  readonly machine: string;
  readonly libc: "glibc" | "musl";
  /** The minor version of glibc 2; of musl it is not looked at. */
  readonly libcMinor: number;
};

const MAX_AGENT = 2_000;
const MAX_REQUIRES = 200;
const SYSTEMS = ["Linux", "Darwin", "Windows"] as const;

type Claims = { readonly [key: string]: unknown };

const claims = (value: unknown): Claims =>
  typeof value === "object" && value !== null ? (value as Claims) : {};

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/**
 * Reads the User-Agent of pip and uv: a name and a version, then JSON. `undefined` for any other,
 * and for a Python other than CPython 3.
 */
export const clientEnvironment = (agent: string | null): ClientEnvironment | undefined => {
  const json = /^(?:pip|uv)\/\S{1,40} (\{.*\})$/.exec(agent?.slice(0, MAX_AGENT) ?? "")?.[1];
  if (json === undefined) return undefined;
  try {
    return environmentOf(claims(JSON.parse(json)));
  } catch {
    return undefined;
  }
};

const environmentOf = (said: Claims): ClientEnvironment | undefined => {
  const python = text(said.python);
  const language = /^3\.\d{1,2}(?=\.\d{1,3}$)/.exec(python)?.[0];
  const system = SYSTEMS.find((one) => one === claims(said.system).name);
  const machine = text(said.cpu).toLowerCase();
  const isCPython = claims(said.implementation).name === "CPython";
  if (language === undefined || system === undefined || !isCPython) return undefined;
  if (!/^\w{1,20}$/.test(machine)) return undefined;
  const libc = claims(claims(said.distro).libc);
  const libcMinor = Number(/^2\.(\d{1,2})/.exec(text(libc.version))?.[1] ?? 17);
  const kind = libc.lib === "musl" ? "musl" : "glibc";
  return { python, language, system, machine, libc: kind, libcMinor };
};

/** Whether a Requires-Python lets it in. */
export const isPythonFor = ({ python }: ClientEnvironment, requires: string | undefined): boolean =>
  requires === undefined || (requires.length <= MAX_REQUIRES && satisfies(python, requires));

const linuxFits = (client: ClientEnvironment, platform: string): boolean => {
  if (client.libc === "musl") return platform.startsWith("musllinux_");
  const minor = /^manylinux_2_(\d+)_/.exec(platform)?.[1];
  return minor === undefined
    ? /^(?:manylinux(?:1|2010|2014)|linux)_/.test(platform)
    : Number(minor) <= client.libcMinor;
};

const platformFits = (client: ClientEnvironment, platform: string): boolean => {
  if (platform === "any") return true;
  const { system, machine } = client;
  if (system === "Windows") return platform === `win_${machine}`;
  const isIts = platform.endsWith(`_${machine}`);
  if (system === "Darwin") {
    return platform.startsWith("macosx_") && (isIts || platform.endsWith("_universal2"));
  }
  return isIts && linuxFits(client, platform);
};

/** 3 for this Python's own ABI, 2 for the stable one, 1 for none, 0 where it does not run. */
const abiRank = (
  { language }: ClientEnvironment,
  pythons: readonly string[],
  abis: readonly string[],
): number => {
  const own = `cp${language.replace(".", "")}`;
  if (pythons.includes(own) && abis.includes(own)) return 3;
  const isEarlier = (one: string): boolean =>
    /^cp3\d+$/.test(one) && Number(one.slice(3)) <= Number(own.slice(3));
  if (abis.includes("abi3") && pythons.some(isEarlier)) return 2;
  const pure = [own, `py${own.slice(2)}`, "py3"];
  return abis.includes("none") && pythons.some((one) => pure.includes(one)) ? 1 : 0;
};

/**
 * How well a wheel's tags fit: 0 where it does not run there, and more for what installers take
 * first. Which of several macOS versions fits, is not known.
 * @param filename - of a wheel
 * @see PEP 425
 */
export const wheelRank = (client: ClientEnvironment, filename: string): number => {
  const [pythons = [], abis = [], platforms = []] = filename
    .slice(0, -".whl".length)
    .split("-")
    .slice(-3)
    .map((set) => set.split("."));
  return platforms.some((platform) => platformFits(client, platform))
    ? abiRank(client, pythons, abis)
    : 0;
};

/** Whether an installer takes a version only where somebody asks for such. */
export const isPrerelease = (version: string): boolean => explain(version)?.is_prerelease !== false;
