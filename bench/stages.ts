import { mkdir, readFile, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { succeeded } from "../test/interop/world.ts";
import type { Bench, Lab, Outcome } from "./bench.ts";
import { alternate, median, ratios, time, timed, times } from "./measure.ts";
import { cosignTrust, local, ours, plainEnvironment } from "./tool.ts";

const EXAMPLE = fileURLToPath(new URL("tutorial/", import.meta.url));
const TUTORIAL = `${EXAMPLE}.gitlab-ci.yml`;

const JOBS = ["sign", "verify", "publish", "publish_signatures", "consumer_verification"] as const;
const PEERS = ["cosign-2.2", "twine", "pip", "curl"] as const;
const NAME = "bench-greeter";

/** The scripts of the tutorial's jobs; `pip download` asks the stack in the place of gitlab.com. */
const scriptsOf = async ({ world }: Lab): Promise<string[]> => {
  const file = parse(await readFile(TUTORIAL, "utf8")) as Record<string, { script: string[] }>;
  const { host } = new URL(world.issuer);
  return JOBS.map((job) =>
    (file[job]?.script ?? [])
      .join("\n")
      .replaceAll(
        /https:(\/\/gitlab-ci-token:\$\{CI_JOB_TOKEN\}@)gitlab\.com\//g,
        `http:$1${host}/`,
      ),
  );
};

/** Releases that nobody has published, since an index takes each only once: their folders. */
const buildReleases = async (lab: Lab, count: number): Promise<Release[]> => {
  const releases = Array.from({ length: count }, (_, index) => ({
    version: `1.0.${index + 1}`,
    folder: join(lab.folder, `release-${index + 1}`),
  }));
  const waiting = releases.values();
  const work = async (): Promise<void> => {
    for (const { version, folder } of waiting) {
      const metadata = ["--set-metadata", "--name", NAME, "--version", version];
      await timed(ours(lab, ["build", EXAMPLE, "--out", join(folder, "dist"), ...metadata]));
    }
  };
  await Promise.all([work(), work()]);
  return releases;
};

type Release = { readonly version: string; readonly folder: string };

const tutorial = async (
  lab: Lab,
  scripts: readonly string[],
  backend: string,
  { version, folder: project }: Release,
): Promise<number> => {
  const { world } = lab;
  await rm(join(project, "dist", "wheelseal-build.json"));
  const { fulcio, rekor } = world.stack.urls;
  const programs = [dirname(world.program("twine")), dirname(world.program("cosign-2.2"))];
  const api = `${world.issuer}/api/v4`;
  const env = {
    ...plainEnvironment(lab),
    ...cosignTrust(world),
    PATH: [...programs, process.env.PATH].join(delimiter),
    SIGSTORE_ID_TOKEN: await world.token(),
    CI_JOB_TOKEN: world.stack.jobToken,
    CI_PROJECT_ID: "1",
    CI_API_V4_URL: api,
    CI_SERVER_URL: world.issuer,
    FULCIO_URL: fulcio,
    REKOR_URL: rekor,
    COSIGN_REKOR_URL: rekor,
    COSIGN_YES: "true",
    CERTIFICATE_IDENTITY: world.identity,
    CERTIFICATE_OIDC_ISSUER: world.issuer,
    GENERIC_PACKAGE_BASE_URL: `${api}/projects/1/packages/generic/${NAME}/${version}`,
    PIP_FIND_LINKS: backend,
    PACKAGE_VERSION: version,
    NORMALIZED_NAME: NAME.replace("-", "_"),
  };
  let sum = 0;
  for (const script of scripts) {
    const args = ["-eo", "pipefail", "-c", script];
    sum += await timed({ program: "bash", args, env, cwd: project });
  }
  return sum;
};

const wheelseal = async (lab: Lab, { version, folder }: Release): Promise<number> => {
  const dist = join(folder, "dist");
  const stages = [
    ...[
      ["sign", dist],
      ["verify", dist],
      ["publish", dist],
      ["publish-signatures", dist],
    ],
    ["consume", `${NAME}==${version}`],
  ];
  let sum = 0;
  for (const stage of stages) sum += await timed(ours(lab, [...stage, ...local(lab)]));
  return sum;
};

/** `--no-binary :all:` wants the sources of the build backend, and the stack's index has none. */
const backendSources = async ({ world, folder }: Lab): Promise<string> => {
  const backend = join(folder, "backend");
  await mkdir(backend, { recursive: true });
  const pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"];
  const python = world.program("pip", "python");
  succeeded(await world.run(python, [...pip, "-d", backend, "setuptools"], { timeout: 300_000 }));
  return backend;
};

const run = async (lab: Lab): Promise<Outcome> => {
  const absent = PEERS.flatMap((id) => {
    const why = lab.missing(id);
    return why === undefined ? [] : [`${id}: ${why}`];
  });
  const here = absent.length === 0;
  await mkdir(join(lab.folder, "home"), { recursive: true });
  const scripts = here ? await scriptsOf(lab) : [];
  const backend = here ? await backendSources(lab) : "";
  const releases = (await buildReleases(lab, (lab.runs + 1) * (here ? 2 : 1))).values();
  const next = (): Release => {
    const { value } = releases.next();
    if (value === undefined) throw new Error("there are not enough releases");
    return value;
  };
  const samples = await alternate(lab.runs, {
    ours: () => wheelseal(lab, next()),
    tutorial: here ? () => tutorial(lab, scripts, backend, next()) : undefined,
  });
  const { ours: own = [], tutorial: theirs } = samples;
  const ratio = theirs && ratios(own, theirs);
  return {
    findings: [
      {
        what: "stages 2 to 6 on the example",
        measured: time(own),
        against: theirs
          ? `the tutorial's scripts (cosign 2.2.3, twine, curl, pip): ${time(theirs)}`
          : `missing: ${absent.join("; ")}`,
        ...(ratio && { ratio: times(ratio), goal: "≤ 0.25 ×", reached: median(ratio) <= 0.25 }),
      },
    ],
    notes: [
      "The tutorial's own package. Five commands of ours and five jobs of the tutorial, each a process of its own, in turn on the same stack. Ours also makes and checks a publish attestation and a provenance for each file, checks what is in the distributions, installs the wheel into a fresh environment and imports it; the tutorial's last job verifies what it downloaded and installs nothing.",
    ],
  };
};

export const stages: Bench = {
  name: "stages",
  title: "A release, against the tutorial",
  peers: [...PEERS],
  run,
};
