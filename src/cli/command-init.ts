import { access } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { parse } from "smol-toml";
import { parseName } from "../dists/name.ts";
import { fromUtf8, utf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { tomlFailure } from "../formats/toml-failure.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { VERSION } from "./version.ts";

const MAX_FILE = 1024 * 1024;
const CI_FILE = ".gitlab-ci.yml";
const TABLE = "[tool.wheelseal]\nreproducible = true\n";

/** What is known of a project before anything is written. */
type Project = {
  readonly name: string;
  /** Absent where the backend finds it, for example from a tag. */
  readonly version?: string;
  readonly backend: string;
  readonly text: string;
  readonly hasTable: boolean;
};

type Table = Readonly<Record<string, unknown>>;

const table = (value: unknown): Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};

const readProject = async ({ files }: Invocation, path: string): Promise<Result<Project>> => {
  const bytes = await files.readIfPresent(path, MAX_FILE);
  if (!bytes.ok) return bytes;
  if (bytes.value === undefined) return fail("BUILD_PROJECT", `there is no ${path}`);
  const text = fromUtf8(bytes.value);
  if (!text.ok) return fail("FORMAT_TOML", `${path} is not UTF-8`);
  try {
    return describe(parse(text.value), text.value, path);
  } catch (error) {
    return tomlFailure(path, error);
  }
};

const describe = (document: Table, text: string, path: string): Result<Project> => {
  const project = table(document.project);
  if (typeof project.name !== "string") return fail("BUILD_PROJECT", `${path} names no project`);
  const name = parseName(project.name);
  if (!name.ok) return name;
  const backend = table(document["build-system"])["build-backend"];
  return ok({
    name: name.value,
    ...(typeof project.version === "string" ? { version: project.version } : {}),
    backend: typeof backend === "string" ? backend : "setuptools",
    text,
    hasTable: table(document.tool).wheelseal !== undefined,
  });
};

/** The folder that holds `.git`, at the project or above it; the project where there is none. */
const repositoryOf = async (project: string): Promise<string> => {
  for (let at = project; ; at = dirname(at)) {
    const found = await access(join(at, ".git")).then(
      () => true,
      () => false,
    );
    if (found) return at;
    if (dirname(at) === at) return project;
  }
};

/** The include for a project at `folder`, relative to the repository with `/`; "" at its root. */
const includeFor = (project: Project, folder: string): string => {
  const inputs = [
    ...(folder === "" ? [] : [`      project: "${folder}"`, `      job_prefix: ${project.name}`]),
  ];
  return [
    "include:",
    `  - component: $CI_SERVER_FQDN/wheelseal/wheelseal/pipeline@${VERSION}`,
    ...(inputs.length === 0 ? [] : ["    inputs:", ...inputs]),
    "",
  ].join("\n");
};

const TO_SET: readonly string[] = [
  "Settings > Repository > Protected tags: protect the tags that release, for example v*",
  "Settings > General > Visibility: the package registry must be on",
  "Settings > Packages and registries of the group: turn forwarding of PyPI requests off",
  "GitLab Runner must be 17.3 or later",
  "self-managed: mirror the component's project, and give the private Sigstore's trust as a variable WHEELSEAL_TRUST_CONFIG of type File",
];

/** `wheelseal init [DIR]`: never overwrites, and says what is left to be done by hand. */
export const initCommand: Command = async (invocation) => {
  const { operands, flags, terminal } = invocation;
  const folder = resolve(terminal.cwd, operands[0] ?? ".");
  const pyproject = join(folder, "pyproject.toml");
  const project = await readProject(invocation, pyproject);
  if (!project.ok) return refuse(invocation, project.error);
  const repository = await repositoryOf(folder);
  const include = includeFor(project.value, relative(repository, folder).replaceAll("\\", "/"));
  const plan = await writePlan(invocation, project.value, {
    pyproject,
    ci: join(repository, CI_FILE),
    include,
  });
  if (!plan.ok) return refuse(invocation, plan.error);
  const { name, version, backend } = project.value;
  const { wrote, add } = plan.value;
  if (flags.json === true) {
    const found = { name, version: version ?? null, backend };
    terminal.out(JSON.stringify({ ok: true, project: found, wrote, add, set: TO_SET }, null, 2));
    return 0;
  }
  terminal.out(`${name} ${version ?? "(version from the backend)"}, built by ${backend}`);
  const verb = flags["dry-run"] === true ? "would write" : "wrote";
  for (const path of wrote) terminal.out(`${verb} ${path}`);
  for (const { path, text } of add) terminal.out(`add to ${path}:\n\n${text}`);
  terminal.out("set in GitLab:");
  for (const line of TO_SET) terminal.out(`  ${line}`);
  return 0;
};

type Places = { readonly pyproject: string; readonly ci: string; readonly include: string };

type Plan = {
  readonly wrote: readonly string[];
  /** What a file that is there already lacks. */
  readonly add: readonly { readonly path: string; readonly text: string }[];
};

const writePlan = async (
  { files, flags }: Invocation,
  project: Project,
  { pyproject, ci, include }: Places,
): Promise<Result<Plan>> => {
  const present = await files.readIfPresent(ci, MAX_FILE);
  if (!present.ok) return present;
  const wanted: [path: string, text: string][] = [];
  // A table of its own at the end leaves every byte before it as it is.
  if (!project.hasTable) wanted.push([pyproject, `${project.text.trimEnd()}\n\n${TABLE}`]);
  if (present.value === undefined) wanted.push([ci, include]);
  if (flags["dry-run"] !== true) {
    for (const [path, text] of wanted) {
      const written = await files.write(path, utf8(text));
      if (!written.ok) return written;
    }
  }
  const has = present.value === undefined || includes(present.value);
  return ok({
    wrote: wanted.map(([path]) => path),
    add: has ? [] : [{ path: ci, text: include }],
  });
};

const includes = (bytes: Uint8Array): boolean => {
  const text = fromUtf8(bytes);
  return text.ok && /^[^#]*\/wheelseal\/pipeline@/m.test(text.value);
};
