import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { utf8 } from "../../src/formats/bytes.ts";
import { type Chance, mutate } from "../fuzz/mutate.ts";
import { dsse, hashedRekord, testSigner } from "../services/signing.ts";

/** An endpoint of the stack, and what an honest request to it looks like. */
export type Endpoint = {
  /** File and first argument of the call that makes the route, as they stand in the source. */
  readonly route: `${string} ${"get" | "post" | "put"} ${string}`;
  /** Whole paths with queries, of which each part is spoilt in turn. */
  readonly paths: readonly string[];
  readonly type?: string;
  readonly bodies?: readonly string[];
  readonly secret?: "job-token" | "token-secret";
};

const JSON_TYPE = "application/json";
const HASH = "ab".repeat(32);
const PACKAGES = "/api/v4/projects/1/packages";
const entries = (): string[] => {
  const signer = testSigner();
  return [hashedRekord(signer, utf8("x")), dsse(signer, utf8("{}"))].map((one) =>
    JSON.stringify(one),
  );
};
const SIGNING = JSON.stringify({
  credentials: { oidcIdentityToken: "eyJhbGciOiJSUzI1NiJ9.e30.AA" },
  publicKeyRequest: {
    publicKey: { algorithm: "ECDSA", content: "-----BEGIN PUBLIC KEY-----\nAAAA\n" },
    proofOfPossession: "AAAA",
  },
});
const form = (boundary: string): string =>
  [
    ...[":action=file_upload", "name=p", "version=1"].flatMap((field) => {
      const [name = "", value = ""] = field.split("=");
      return [`--${boundary}`, `Content-Disposition: form-data; name="${name}"`, "", value];
    }),
    `--${boundary}`,
    'Content-Disposition: form-data; name="content"; filename="p-1.tar.gz"',
    "",
    "content",
    `--${boundary}--`,
    "",
  ].join("\r\n");
const get = (route: string, ...paths: string[]): Endpoint => ({
  route: route as Endpoint["route"],
  paths,
});
const post = (route: string, paths: string[], bodies: string[], type = JSON_TYPE): Endpoint => ({
  ...get(route, ...paths),
  bodies,
  type,
});

/** Every route of the stack: a test compares this table with the source. */
export const ENDPOINTS: readonly Endpoint[] = [
  post('rekor.ts post "/api/v1/log/entries"', ["/api/v1/log/entries"], entries()),
  get('rekor.ts get "/api/v1/log/publicKey"', "/api/v1/log/publicKey?treeID=1"),
  get('rekor.ts get "/api/v1/log"', "/api/v1/log"),
  get('rekor.ts get "/api/v1/log/proof"', "/api/v1/log/proof?firstSize=1&lastSize=2&treeID=3"),
  get('rekor-search.ts get "/api/v1/log/entries"', "/api/v1/log/entries?logIndex=0"),
  get('rekor-search.ts get "/api/v1/log/entries/:uuid"', `/api/v1/log/entries/${HASH}`),
  post(
    'rekor-search.ts post "/api/v1/log/entries/retrieve"',
    ["/api/v1/log/entries/retrieve"],
    [`{"entryUUIDs":["${HASH}"],"logIndexes":[0]}`, `{"entries":[${entries()[0]}]}`],
  ),
  post(
    'rekor-search.ts post "/api/v1/index/retrieve"',
    ["/api/v1/index/retrieve"],
    [`{"hash":"sha256:${HASH}","email":"a@b","operator":"and"}`],
  ),
  post('rekor-v2.ts post "/api/v2/log/entries"', ["/api/v2/log/entries"], entries()),
  get('rekor-v2.ts get "/api/v2/checkpoint"', "/api/v2/checkpoint"),
  get(
    'rekor-v2.ts get "/api/v2/tile/*"',
    "/api/v2/tile/0/x001/234.p/5",
    "/api/v2/tile/entries/000.p/1",
  ),
  get('issuer.ts get "/.well-known/openid-configuration"', "/.well-known/openid-configuration"),
  get("issuer.ts get path", "/oauth/discovery/keys", "/-/jwks"),
  {
    ...post(
      'issuer.ts post "/wheelseal/token"',
      ["/wheelseal/token"],
      ['{"project_path":"a/b","ref":"main","ref_type":"branch","aud":"sigstore"}'],
    ),
    secret: "token-secret",
  },
  post(
    'tsa.ts post "/api/v1/timestamp"',
    ["/api/v1/timestamp"],
    [`{"artifactHash":"${"q".repeat(43)}=","hashAlgorithm":"sha256","nonce":1}`],
  ),
  get('tsa.ts get "/api/v1/timestamp/certchain"', "/api/v1/timestamp/certchain"),
  get('ctlog.ts get "/ct/v1/get-sth"', "/ct/v1/get-sth"),
  get('ctlog.ts get "/ct/v1/get-sth-consistency"', "/ct/v1/get-sth-consistency?first=0&second=1"),
  get('ctlog.ts get "/ct/v1/get-proof-by-hash"', "/ct/v1/get-proof-by-hash?hash=AA&tree_size=1"),
  get('ctlog.ts get "/ct/v1/get-entries"', "/ct/v1/get-entries?start=0&end=9"),
  get(
    'ctlog.ts get "/ct/v1/get-entry-and-proof"',
    "/ct/v1/get-entry-and-proof?leaf_index=0&tree_size=1",
  ),
  get('ctlog.ts get "/ct/v1/get-roots"', "/ct/v1/get-roots"),
  post("ctlog.ts post path", ["/ct/v1/add-chain", "/ct/v1/add-pre-chain"], ['{"chain":["AA"]}']),
  {
    ...post(
      'registry.ts post "BASE/pypi"',
      [`${PACKAGES}/pypi`],
      [form("b")],
      "multipart/form-data; boundary=b",
    ),
    secret: "job-token",
  },
  {
    ...get(
      'registry.ts get "BASE/pypi/*"',
      `${PACKAGES}/pypi/simple/p`,
      `${PACKAGES}/pypi/files/${HASH}/p-1.tar.gz`,
      `${PACKAGES}/pypi/integrity/p/1/p-1.tar.gz/provenance`,
    ),
    secret: "job-token",
  },
  {
    route: 'registry.ts put "BASE/generic/*"',
    paths: [`${PACKAGES}/generic/p/1.0/d/f.bin?status=default&select=package_file`],
    bodies: ["content"],
    type: "application/octet-stream",
    secret: "job-token",
  },
  {
    ...get('registry.ts get "BASE/generic/*"', `${PACKAGES}/generic/p/1.0/d/f.bin`),
    secret: "job-token",
  },
  {
    ...get(
      'registry.ts get "/integrity/:name/:version/:file/provenance"',
      "/integrity/p/1/p-1.tar.gz/provenance",
    ),
    secret: "job-token",
  },
  post('ca-v1.ts post "/api/v1/signingCert"', ["/api/v1/signingCert"], [SIGNING]),
  get('ca-v1.ts get "/api/v1/rootCert"', "/api/v1/rootCert"),
  post('ca-v2.ts post "/api/v2/signingCert"', ["/api/v2/signingCert"], [SIGNING]),
  get('ca-v2.ts get "/api/v2/trustBundle"', "/api/v2/trustBundle"),
  get('ca-v2.ts get "/api/v2/configuration"', "/api/v2/configuration"),
  get('tuf.ts get "/tuf/*"', "/tuf/1.root.json", `/tuf/targets/${HASH}.trusted_root.json`),
];

const SERVICES = fileURLToPath(new URL("../../src/services/", import.meta.url));
const ROUTE = /\b\w+\.(get|post|put|delete|patch|options|all|on)\(\s*("\/[^"]*"|`[^`]*`|path)\s*,/g;

/** Answers all of its paths alike, without a router. */
const UNROUTED = 'tuf.ts get "/tuf/*"';

/** The routes that the source makes, written as in the table. */
export const routesOfSource = (): string[] => [UNROUTED, ...routed()];

const routed = (): string[] =>
  readdirSync(SERVICES)
    .filter((file) => /from "hono"/.test(readFileSync(SERVICES + file, "utf8")))
    .flatMap((file) =>
      [...readFileSync(SERVICES + file, "utf8").matchAll(ROUTE)].map(
        ([, method = "", path = ""]) =>
          `${file} ${method} ${path.replace(/^`\$\{base\}(.*)`$/, '"BASE$1"')}`,
      ),
    );

/** What is put in the place of a part of a path or a value of a query. */
const PARTS = [
  ...["", ".", "..", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..", "%00", "%0d%0aX:%201"],
  ...["%ff%fe", "%", "%zz", "%c0%ae%c0%ae", "__proto__", "-1", "1e9", "9007199254740993", "0x10"],
  ...["NaN", "a".repeat(5000), "%25252e", "*", "'--", "\u00e9", "http://127.0.0.1:1/", "//x", ";"],
];

const spoilPath = (path: string, chance: Chance): string => {
  const pieces = path.split(/([/?&=])/);
  const at = chance(pieces.length);
  return pieces.map((piece, n) => (n === at ? PARTS[chance(PARTS.length)] : piece)).join("");
};

const TYPES = ["text/plain", "", "application/json; charset=utf-7", "multipart/form-data", "x/y"];
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

/** Who is asked, and what lets one ask; the stack itself is one. */
export type Target = {
  readonly urls: { readonly gitlab: string };
  readonly jobToken?: string;
  readonly tokenSecret?: string;
};

export type Shot = { readonly url: string; readonly init: RequestInit };

/** An honest request to the endpoint, with one to three things wrong. */
export const shot = (stack: Target, endpoint: Endpoint, chance: Chance): Shot => {
  const { paths, bodies = [], secret, type = "" } = endpoint;
  let path = paths[chance(paths.length)] ?? "/";
  let method = endpoint.route.split(" ")[1]?.toUpperCase() ?? "GET";
  const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
  if (secret === "job-token") headers.authorization = basic(stack.jobToken ?? "");
  if (secret === "token-secret") headers.authorization = `Bearer ${stack.tokenSecret ?? ""}`;
  let body = bodies.length === 0 ? undefined : utf8(bodies[chance(bodies.length)] ?? "");
  for (let wrong = 1 + chance(3); wrong > 0; wrong -= 1) {
    switch (chance(bodies.length === 0 ? 3 : 6)) {
      case 0:
        path = spoilPath(path, chance);
        break;
      case 1:
        if (chance(4) === 0) method = METHODS[chance(METHODS.length)] ?? method;
        break;
      case 2:
        headers[chance(2) === 0 ? "accept" : "content-encoding"] = chance(2) === 0 ? "gzip" : "*/*";
        break;
      case 3:
        headers["content-type"] = TYPES[chance(TYPES.length)] ?? "";
        break;
      default:
        body = body === undefined ? undefined : mutate([body], chance);
    }
  }
  const sends = !["GET", "HEAD"].includes(method) && body !== undefined;
  const init = { method, headers, redirect: "manual" as const };
  const url = `${stack.urls.gitlab}${path.startsWith("/") ? "" : "/"}${path}`;
  return { url, init: sends && body ? { ...init, body: new Uint8Array(body) } : init };
};

const basic = (token: string): string => `Basic ${btoa(`gitlab-ci-token:${token}`)}`;
