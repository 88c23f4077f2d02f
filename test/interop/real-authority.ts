import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, withDaemon } from "./daemon.ts";
import type { Trillian } from "./real-log.ts";
import { succeeded, type World } from "./world.ts";

// The real Fulcio and its CT log, with keys and certificates that OpenSSL makes.

const openssl = (world: World, ...args: string[]) =>
  world.run("openssl", args).then((outcome) => succeeded(outcome).stdout);

/** A root and an intermediate that may only sign code, as Fulcio's profile has them. */
export const makeAuthority = async (world: World, folder: string): Promise<void> => {
  const at = (name: string) => join(folder, name);
  await writeFile(
    at("ca.cnf"),
    [
      "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nO=interop",
      "[root]\nbasicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign",
      "subjectKeyIdentifier=hash",
      "[int]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign",
      "extendedKeyUsage=codeSigning\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    ].join("\n"),
  );
  const config = ["-config", at("ca.cnf")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes"];
  const root = ["-x509", "-extensions", "root", "-days", "30", "-subj", "/O=interop/CN=root"];
  await openssl(
    world,
    ...["req", ...config, ...curve, ...root, "-keyout", at("root.key"), "-out", at("root.pem")],
  );
  const request = ["-subj", "/O=interop/CN=intermediate", "-out", at("int.csr")];
  await openssl(world, "req", ...config, ...curve, ...request, "-keyout", at("int.key"));
  await openssl(
    world,
    ...["x509", "-req", "-in", at("int.csr"), "-CA", at("root.pem"), "-CAkey", at("root.key")],
    ...["-CAcreateserial", "-days", "20", "-extfile", at("ca.cnf"), "-extensions", "int"],
    ...["-out", at("int.pem")],
  );
  const pems = await Promise.all(["int.pem", "root.pem"].map((name) => readFile(at(name), "utf8")));
  await writeFile(at("chain.pem"), pems.join(""));
};

export const makeCtKey = async (world: World, folder: string): Promise<void> => {
  const at = (name: string) => join(folder, name);
  const curve = ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", at("plain.key")];
  await openssl(world, ...curve);
  const cipher = ["-aes256", "-passout", "pass:interop"];
  await openssl(world, "ec", "-in", at("plain.key"), ...cipher, "-out", at("ct.key"));
  await openssl(world, "ec", "-in", at("plain.key"), "-pubout", "-out", at("ct.pub"));
};

export const withCtLog = async <T>(
  world: World,
  log: Trillian,
  folder: string,
  work: (url: string) => Promise<T>,
) => {
  const config = join(folder, "ct.cfg");
  await writeFile(
    config,
    [
      `config {\n  log_id: ${log.trees[0]}\n  prefix: "ctlog"`,
      `  roots_pem_file: "${join(folder, "root.pem")}"`,
      "  private_key: { [type.googleapis.com/keyspb.PEMKeyFile] {",
      `    path: "${join(folder, "ct.key")}" password: "interop" } }`,
      '  ext_key_usages: "CodeSigning"\n}\n',
    ].join("\n"),
  );
  const port = await freePort();
  const args = [
    ...["--log_config", config, "--log_rpc_server", log.address, "--quota_remote=false"],
    ...["--http_endpoint", `127.0.0.1:${port}`, "--logtostderr"],
  ];
  const program = world.program("ct_server");
  const url = `http://127.0.0.1:${port}/ctlog/ct/v1/get-sth`;
  const options = { cwd: folder, env: process.env };
  return withDaemon({ program, args, url, options }, () => work(`http://127.0.0.1:${port}/ctlog`));
};

/** What Fulcio is told of GitLab, with our issuer in gitlab.com's place. */
const fulcioConfiguration = (issuer: string): string =>
  JSON.stringify({
    "oidc-issuers": {
      [issuer]: {
        "issuer-url": issuer,
        "client-id": "sigstore",
        type: "ci-provider",
        "ci-provider": "gitlab-pipeline",
      },
    },
    "ci-issuer-metadata": {
      "gitlab-pipeline": {
        "default-template-values": { url: issuer, environment: "" },
        "extension-templates": {
          "build-signer-uri": "https://{{ .ci_config_ref_uri }}",
          "build-signer-digest": "ci_config_sha",
          "runner-environment": "runner_environment",
          "source-repository-uri": "{{ .url }}/{{ .project_path }}",
          "source-repository-digest": "sha",
          "source-repository-ref":
            'refs/{{if eq .ref_type "branch"}}heads/{{ else }}tags/{{end}}{{ .ref }}',
          "source-repository-identifier": "project_id",
          "source-repository-owner-uri": "{{ .url }}/{{ .namespace_path }}",
          "source-repository-owner-identifier": "namespace_id",
          "build-config-uri": "https://{{ .ci_config_ref_uri }}",
          "build-config-digest": "ci_config_sha",
          "build-trigger": "pipeline_source",
          "run-invocation-uri": "{{ .url }}/{{ .project_path }}/-/jobs/{{ .job_id }}",
          "source-repository-visibility-at-signing": "project_visibility",
          "deployment-environment": "environment",
        },
        "subject-alternative-name-template": "https://{{ .ci_config_ref_uri }}",
      },
    },
  });

export const withFulcio = async <T>(
  world: World,
  ctlog: string,
  folder: string,
  work: (url: string) => Promise<T>,
) => {
  const config = join(folder, "fulcio.yaml");
  // As JSON it would have other names for the same fields; the comment makes it YAML.
  await writeFile(config, `# GitLab\n${fulcioConfiguration(world.issuer)}`);
  const [port, grpc, metrics] = await Promise.all([freePort(), freePort(), freePort()]);
  const authority = [
    ...["--ca", "fileca", "--fileca-cert", join(folder, "chain.pem"), "--fileca-watch=false"],
    ...["--fileca-key", join(folder, "int.key"), "--fileca-key-passwd", ""],
  ];
  const args = [
    ...["serve", ...authority, `--ct-log-url=${ctlog}`, "--config-path", config],
    ...["--host", "127.0.0.1", "--port", String(port)],
    ...["--grpc-host", "127.0.0.1", "--grpc-port", String(grpc), "--metrics-port", String(metrics)],
    ...["--legacy-unix-domain-socket", join(folder, "fulcio.sock")],
  ];
  const url = `http://127.0.0.1:${port}`;
  const options = { cwd: folder, env: process.env };
  const daemon = { program: world.program("fulcio"), args, url: `${url}/api/v2/trustBundle` };
  return withDaemon({ ...daemon, options }, () => work(url));
};
