import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Audit } from "../../src/consumer/audit.ts";
import { type GatewayListener, listenGateway } from "../../src/consumer/gateway-listener.ts";
import { unwrap } from "../../src/formats/result.ts";
import { pylockOf, together, unsigned } from "../consumer/closure-support.ts";
import { hostileUpstream, signWheel } from "../consumer/hostile-upstream.ts";
import { codeOf, runHere } from "../pipeline/in-process.ts";
import { openStack } from "../stages/sign-support.ts";

/**
 * An index with a signed `greeter` and an unsigned `plain`, a folder with locks and policies of
 * them, and commands that run there in this process.
 */
export const openAudits = async () => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-audit-"));
  const opened = await openStack();
  const first = await signWheel(opened, "greeter", "1.0.0");
  const second = await signWheel(opened, "greeter", "2.0.0");
  const foreign = await signWheel(opened, "greeter", "3.0.0", { project: "other/place" });
  const plain = unsigned("plain", "2.0");
  const bare = unsigned("greeter", "4.0.0");
  const greeters = hostileUpstream("greeter");
  const plains = hostileUpstream("plain");
  for (const file of [first, second, foreign, bare]) greeters.add(file);
  plains.add(plain);
  const serve = together(greeters, plains);
  const listener: GatewayListener = unwrap(
    await listenGateway(
      ({ url, method, headers }: Request) => serve(url, { method, headers }),
      "127.0.0.1",
      0,
    ),
  );
  const close = async () => {
    await listener.close();
    await opened.close();
    rmSync(folder, { recursive: true, force: true });
  };

  const issuer = opened.stack.urls.gitlab;
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return name;
  };
  /** The lock states who signs its greeter. */
  const stating = (lock: string, project = "local/packages") =>
    lock.replace(
      /(name = "greeter"\n)/,
      `$1attestation-identities = [{ kind = "GitLab", repository = "${project}", workflow_filepath = ".gitlab-ci.yml", issuer = "${issuer}" }]\n`,
    );
  const naming = (...projects: readonly string[]) =>
    projects
      .map(
        (project) =>
          `[[packages.greeter.identities]]\nkind = "gitlab"\nissuer = "${issuer}"\nproject = "${project}"\n`,
      )
      .join("");

  write("both.toml", stating(pylockOf(first, plain)));
  write("policy.toml", naming("local/packages"));

  const INDEX = ["--index-url", `${listener.url}/api/v4/projects/1/packages/pypi/simple`];
  const TRUST = ["--trust-config", opened.stack.trustConfig];
  const run = (words: string, env: Readonly<Record<string, string>> = {}) => {
    const argv = words.split(" ").filter((word) => word !== "");
    const own = argv[0] === "audit" ? [...INDEX, ...TRUST] : argv[0] === "kit" ? TRUST : [];
    return runHere([...argv, ...own], { cwd: folder, env });
  };
  const code = async (words: string, env: Readonly<Record<string, string>> = {}) => {
    const said = await run(words, env);
    return `${said.code} ${codeOf(said)}`;
  };
  const auditOf = async (words: string): Promise<Audit> =>
    JSON.parse((await run(`audit ${words} --json`)).out) as Audit;

  write("either.toml", naming("local/packages", "other/place"));
  write("other.toml", naming("other/place"));
  const releases = { first, second, foreign, bare, plain };
  return {
    ...{ folder, releases, greeters, close, write, stating, naming, run, code, auditOf },
    flags: [...INDEX, ...TRUST],
    trust: TRUST,
  };
};
