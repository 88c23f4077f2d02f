import { type Json, parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type Environment, plainEnvironment } from "./environment.ts";
import { lastLines, runProgram } from "./process.ts";

/** What an interpreter takes. */
export type Fitness = {
  /** `python-abi-platform` of wheels that fit it; absent where it cannot be told. */
  readonly tags?: ReadonlySet<string>;
  /** Whether it has pip. */
  readonly pip: boolean;
  /** Of each marker that was asked, in its order; `undefined` where it cannot be told. */
  readonly markers: readonly (boolean | undefined)[];
};

const PROBE_TIME = 30_000;
const MAX_OUTPUT = 8 * 1024 * 1024;
const MAX_TAGS = 20_000;

/** The rules are those of pip's own copy of packaging: installed, or bundled with the interpreter. */
const SCRIPT = `
import glob, importlib.util, json, os, sys
present = importlib.util.find_spec("pip") is not None
def load():
    if not present:
        import ensurepip
        bundled = os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl")
        sys.path[:0] = glob.glob(bundled)
    from pip._vendor.packaging import markers, tags
    return markers, tags
def holds(markers, text):
    try:
        return markers.Marker(text).evaluate()
    except Exception:
        return None
asked = json.load(sys.stdin)
try:
    markers, tags = load()
except ImportError:
    print(json.dumps({"pip": present, "markers": [None for _ in asked]}))
else:
    print(json.dumps({
        "pip": present,
        "tags": [str(tag) for tag in tags.sys_tags()],
        "markers": [holds(markers, text) for text in asked],
    }))
`;

const read = (count: number) => (json: Json) => {
  const tags = json.optional("tags")?.items(MAX_TAGS);
  const markers = json.field("markers").items(count);
  return {
    ...(tags === undefined ? {} : { tags: new Set(tags.map((tag) => tag.string())) }),
    pip: json.field("pip").boolean(),
    markers: markers.map(({ value }) => (typeof value === "boolean" ? value : undefined)),
  };
};

/**
 * Asks an interpreter which wheels fit it and which markers hold there. Nothing of a package runs.
 * @returns INSTALL_FAILED where it does not run
 */
export const fitnessOf = async (
  python: string,
  markers: readonly string[],
  environment: Environment,
): Promise<Result<Fitness>> => {
  const ended = await runProgram(
    {
      program: python,
      args: ["-I", "-c", SCRIPT],
      env: plainEnvironment(environment),
      timeout: PROBE_TIME,
      input: JSON.stringify(markers),
      maxOutput: MAX_OUTPUT,
    },
    "INSTALL_FAILED",
  );
  if (!ended.ok) return ended;
  const { exitCode, tail, stdout } = ended.value;
  const answer = parseJson(stdout, MAX_OUTPUT, python);
  if (exitCode !== 0 || !answer.ok) {
    return fail("INSTALL_FAILED", `${python} does not run: ${lastLines(tail, 3)}`);
  }
  const fitness = readJson(answer.value, "INSTALL_FAILED", python, read(markers.length));
  if (!fitness.ok) return fitness;
  return fitness.value.markers.length === markers.length
    ? ok(fitness.value)
    : fail("INSTALL_FAILED", `${python} did not tell of every marker`);
};
