import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseRequirements } from "../../src/consumer/closure-requirements.ts";
import { failureOf } from "../../src/consumer/closure-verdict.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { openStack } from "../stages/sign-support.ts";
import { sdist } from "./attack-files.ts";
import { judge, pylockOf, said, together, unsigned } from "./closure-support.ts";
import {
  type HostileUpstream,
  hostileUpstream,
  type OpenStack,
  OWN_PROJECT,
  type SignedFile,
  signWheel,
  wheelOf,
} from "./hostile-upstream.ts";

let opened: OpenStack;
let greeter: SignedFile;
/** The same release, signed by a job of another project. */
let stranger: SignedFile;
const plain = unsigned("plain", "2.0");

before(async () => {
  opened = await openStack();
  greeter = await signWheel(opened, "greeter", "1.0.0");
  stranger = await signWheel(opened, "greeter", "1.0.0", { project: "evil/packages" });
});
after(async () => {
  await opened?.close();
});

const serve = (...files: readonly SignedFile[]) => {
  const upstreams = new Map<string, HostileUpstream>();
  for (const file of files) {
    const name = file.filename.split("-")[0] ?? "";
    const upstream = upstreams.get(name) ?? hostileUpstream(name);
    upstreams.set(name, upstream);
    upstream.add(file);
  }
  const fetch = together(...upstreams.values());
  const of = (name: string): HostileUpstream => {
    const upstream = upstreams.get(name);
    assert.ok(upstream);
    return upstream;
  };
  return { fetch, of };
};

/** A lock that states one identity for its last package. */
const stating = (lock: string, project = "local/packages", more = "") => `${lock}
[[packages.attestation-identities]]
kind = "GitLab"
repository = "${project}"
workflow_filepath = ".gitlab-ci.yml"
issuer = "${opened.stack.urls.gitlab}"
${more}
`;

const own = () => OWN_PROJECT(opened.stack.urls.gitlab);

/** The same file without what signing left, or with a part of it. */
const without = (file: SignedFile, ...suffixes: readonly string[]): SignedFile => ({
  ...file,
  evidence: new Map(
    [...file.evidence].filter(([name]) =>
      suffixes.length === 0 ? false : !suffixes.some((suffix) => name.endsWith(suffix)),
    ),
  ),
});

const outcomes = async (
  fetch: ReturnType<typeof serve>["fetch"],
  lock: Parameters<typeof judge>[2],
  policy?: unknown,
): Promise<string[]> => {
  const judged = await judge(opened, fetch, lock, { policy });
  await judged.remove();
  return judged.files.map(said);
};

test("a closure is judged file by file, and what was judged is kept", async () => {
  const { fetch } = serve(greeter, plain);
  const named = await judge(opened, fetch, pylockOf(greeter, plain), { policy: own() });
  assert.deepEqual(named.files.map(said), ["verified policy", "unattested nobody"]);
  const [first, second] = named.files;
  assert.equal(first?.identity?.fields.repository, "local/packages");
  assert.deepEqual(first?.proofs, ["bundle", "publish", "provenance"]);
  assert.equal(first?.evidence.length, greeter.evidence.size);
  for (const { name, sha256: digest } of first?.evidence ?? []) {
    assert.equal(await named.store.sizeOf(digest), greeter.evidence.get(name)?.length);
  }
  assert.equal(await named.store.sizeOf(first?.sha256 ?? ""), greeter.content.length);
  assert.equal(await named.store.sizeOf(second?.sha256 ?? ""), plain.content.length);
  await named.remove();
});

describe("who is expected", () => {
  test("nobody: its own signer is told", async () => {
    assert.deepEqual(await outcomes(serve(greeter).fetch, pylockOf(greeter)), ["signed nobody"]);
  });
  test("whom the lock states", async () => {
    const lock = stating(pylockOf(greeter));
    assert.deepEqual(await outcomes(serve(greeter).fetch, lock), ["verified lock"]);
  });
  test("whom the policy names, and whom the lock states beside it", async () => {
    const other = stating(pylockOf(greeter), "other/packages");
    const said = await outcomes(serve(greeter).fetch, other, own());
    assert.deepEqual(said, ["refused policy LOCK_IDENTITY"]);
  });
  test("a pinned digest asks for nobody", async () => {
    const pins = [`sha256:${hex(sha256(plain.content))}`];
    const policy = { packages: { plain: { pins } } };
    assert.deepEqual(await outcomes(serve(plain).fetch, pylockOf(plain), policy), [
      "pinned policy",
    ]);
  });
  test("an identity that nothing can be compared with is met by nobody", async () => {
    const lock = `${pylockOf(greeter)}attestation-identities = [{ kind = "Unheard", a = "b" }]\n`;
    const said = await outcomes(serve(greeter).fetch, lock);
    assert.deepEqual(said, ["refused lock LOCK_IDENTITY"]);
  });
});

describe("attacks", () => {
  const cases: readonly [
    what: string,
    said: string,
    stage: () => [fetch: unknown, lock: string],
  ][] = [
    [
      "another identity than the lock states",
      "refused lock LOCK_IDENTITY",
      () => [serve(stranger).fetch, stating(pylockOf(stranger))],
    ],
    [
      "the same path in other hands: the project's number is another",
      "refused lock LOCK_IDENTITY",
      () => [
        serve(greeter).fetch,
        stating(pylockOf(greeter), "local/packages", 'project_id = "99"'),
      ],
    ],
    [
      "the attestation is gone",
      "refused lock LOCK_ATTESTATION_LOST",
      () => [serve(without(greeter)).fetch, stating(pylockOf(greeter))],
    ],
    [
      "a part of the evidence is gone",
      "refused nobody EVIDENCE_MISSING",
      () => [serve(without(greeter, ".publish.attestation")).fetch, pylockOf(greeter)],
    ],
    [
      "the lock has another digest than the index",
      "refused nobody LOCK_DIGEST",
      () => {
        const other = { ...plain, content: wheelOf("plain", "2.0", "GREETING = 'hallo'\n") };
        return [serve(plain).fetch, pylockOf(other).replace(/size = \d+, /, "")];
      },
    ],
    [
      "the index serves other bytes than it lists",
      "refused nobody INDEX_DIGEST",
      () => {
        const { fetch, of } = serve(plain);
        of("plain").instead = ({ url }) =>
          url.endsWith(".whl") ? new Response("other bytes") : undefined;
        return [fetch, pylockOf(plain)];
      },
    ],
    [
      "the index lists the file no more",
      "refused nobody INDEX_FILE",
      () => [serve(unsigned("plain", "3.0")).fetch, pylockOf(plain)],
    ],
    [
      "the index has an empty provenance",
      "refused nobody ATTESTATION_EMPTY",
      () => {
        const { fetch, of } = serve(plain);
        of("plain").says.set(plain.filename, { provenance: "../../provenance" });
        of("plain").instead = ({ url }) =>
          url.endsWith("/provenance")
            ? Response.json({ version: 1, attestation_bundles: [] })
            : undefined;
        return [fetch, pylockOf(plain)];
      },
    ],
    [
      "the index does not answer",
      "unavailable nobody REGISTRY_RESPONSE",
      () => {
        const { fetch, of } = serve(plain);
        of("plain").instead = () => new Response("", { status: 418 });
        return [fetch, pylockOf(plain)];
      },
    ],
  ];
  for (const [what, expected, stage] of cases) {
    test(what, async () => {
      const [fetch, lock] = stage();
      const judged = await judge(opened, fetch as typeof globalThis.fetch, lock);
      assert.deepEqual(judged.files.map(said), [expected]);
      assert.equal(failureOf(judged.verdict)?.code, expected.split(" ").at(-1));
      const [file] = judged.files;
      assert.equal(await judged.store.sizeOf(file?.sha256 ?? ""), undefined, "nothing is kept");
      await judged.remove();
    });
  }
  test("an unsigned file beside a signed one of its release", async () => {
    const late = { ...sdist("greeter", []), evidence: new Map() };
    const lock = `${pylockOf(greeter)}sdist = ${fileLine(late)}\n`;
    const said = await outcomes(serve(greeter, late).fetch, lock);
    assert.deepEqual(said, ["signed nobody", "refused nobody LOCK_ATTESTATION_LOST"]);
  });
});

const fileLine = ({ filename, content }: SignedFile): string =>
  `{ url = "http://upstream.test/files/${filename}", hashes = { sha256 = "${hex(sha256(content))}" } }`;

describe("requirements", () => {
  const requirements = (...digests: readonly string[]) => {
    const hashes = digests.map((digest) => `--hash=sha256:${digest}`).join(" ");
    return unwrap(parseRequirements(utf8(`greeter==1.0.0 ${hashes}\n`), "requirements.txt"));
  };
  test("files are found by their digests", async () => {
    const closure = requirements(hex(sha256(greeter.content)), "0".repeat(64));
    const judged = await judge(opened, serve(greeter).fetch, closure, { policy: own() });
    assert.deepEqual(judged.files.map(said), ["verified policy"]);
    assert.deepEqual(judged.verdict.entries[0]?.unlisted, ["0".repeat(64)]);
    await judged.remove();
  });
  test("another release's file with that digest is none", async () => {
    const closure = requirements(hex(sha256(greeter.content)));
    const renamed = { ...greeter, filename: "greeter-2.0.0-py3-none-any.whl" };
    const said = await outcomes(serve(renamed).fetch, closure);
    assert.deepEqual(said, ["refused nobody LOCK_FORMAT"]);
  });
  test("no file with any of the digests", async () => {
    const said = await outcomes(serve(greeter).fetch, requirements("0".repeat(64)));
    assert.deepEqual(said, ["refused nobody LOCK_DIGEST"]);
  });
});

test("a name of earlier times is accepted by its digest, and said not to be looked into", async () => {
  const old = { ...unsigned("plain", "2.0"), filename: "Plain-2.0-py3-none-any.whl" };
  const upstream = hostileUpstream("plain");
  upstream.add(old);
  const lock = pylockOf(old).replace('name = "Plain"', 'name = "plain"');
  const judged = await judge(opened, together(upstream), lock);
  assert.deepEqual(judged.files.map(said), ["unattested nobody"]);
  assert.equal(judged.files[0]?.uninspected, true);
  await judged.remove();
  const sound = await judge(opened, serve(plain).fetch, pylockOf(plain));
  assert.equal(sound.files[0]?.uninspected, undefined);
  await sound.remove();
});

test("an archive is fetched from its address, and judged by the evidence of its release", async () => {
  const { filename, content } = greeter;
  const digest = hex(sha256(content));
  const archive = `archive = { url = "http://upstream.test/else/${filename}", hashes = { sha256 = "${digest}" } }`;
  const lock = `lock-version = "1.0"\n[[packages]]\nname = "greeter"\n${archive}\n`;
  const { fetch, of } = serve(greeter);
  assert.deepEqual(await outcomes(fetch, lock, own()), ["verified policy"]);
  const asked = of("greeter").requests.map(({ url }) => url);
  assert.equal(asked.filter((url) => url.includes("/simple/")).length, 0, "no index is asked");
  of("greeter").instead = ({ url }) =>
    url.includes("/else/") ? new Response("other bytes") : undefined;
  assert.deepEqual(await outcomes(fetch, lock, own()), ["refused policy INDEX_DIGEST"]);
});

test("no more files are fetched at once than allowed, and each page once", async () => {
  const many = Array.from({ length: 12 }, (_, at) => unsigned("plain", `1.${at}`));
  const { fetch, of } = serve(...many);
  let waiting = 0;
  let most = 0;
  const full = Promise.withResolvers<void>();
  const slow = (async (input, init) => {
    if (!String(input).endsWith(".whl")) return fetch(input, init);
    waiting += 1;
    most = Math.max(most, waiting);
    if (waiting === 3) {
      // Time enough for a fourth, were there one.
      for (let turn = 0; turn < 100; turn += 1) await new Promise((done) => setImmediate(done));
      full.resolve();
    }
    await full.promise;
    waiting -= 1;
    return fetch(input, init);
  }) as typeof globalThis.fetch;
  const judged = await judge(opened, slow, pylockOf(...many), { world: { concurrency: 3 } });
  assert.equal(judged.files.length, 12);
  assert.equal(most, 3);
  const pages = of("plain").requests.filter(({ url }) => url.endsWith("/simple/plain/"));
  assert.equal(pages.length, 1);
  await judged.remove();
});
