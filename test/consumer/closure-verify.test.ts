import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parseRequirements } from "../../src/consumer/closure-requirements.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { openStack } from "../stages/sign-support.ts";
import { judge, pylockOf, said, together, unsigned } from "./closure-support.ts";
import {
  hostileUpstream,
  type OpenStack,
  OWN_PROJECT,
  type SignedFile,
  signWheel,
  wheelOf,
} from "./hostile-upstream.ts";

let opened: OpenStack;
let greeter: SignedFile;
const plain = unsigned("plain", "2.0");

before(async () => {
  opened = await openStack();
  greeter = await signWheel(opened, "greeter", "1.0.0");
});
after(async () => {
  await opened?.close();
});

const serve = (...files: readonly SignedFile[]) => {
  const upstreams = new Map<string, ReturnType<typeof hostileUpstream>>();
  for (const file of files) {
    const name = file.filename.split("-")[0] ?? "";
    const upstream = upstreams.get(name) ?? hostileUpstream(name);
    upstreams.set(name, upstream);
    upstream.add(file);
  }
  return { fetch: together(...upstreams.values()), of: (name: string) => upstreams.get(name)! };
};

/** The lock's identity line for the project that signs in these tests. */
const stating = (lock: string, project = "local/packages") => `${lock}
[[packages.attestation-identities]]
kind = "GitLab"
repository = "${project}"
workflow_filepath = ".gitlab-ci.yml"
issuer = "${opened.stack.urls.gitlab}"
`;

test("a closure is judged file by file", async () => {
  const { fetch } = serve(greeter, plain);
  const named = await judge(opened, fetch, pylockOf(greeter, plain), {
    policy: OWN_PROJECT(opened.stack.urls.gitlab),
  });
  assert.deepEqual(named.files.map(said), ["verified policy", "unattested nobody"]);
  const [first, second] = named.files;
  assert.equal(first?.identity?.kind, "GitLab");
  assert.deepEqual(first?.proofs, ["bundle", "publish", "provenance"]);
  for (const { name, sha256: digest } of first?.evidence ?? []) {
    assert.equal(await named.store.sizeOf(digest), greeter.evidence.get(name)?.length);
  }
  assert.equal(first?.evidence.length, greeter.evidence.size);
  assert.equal(await named.store.sizeOf(second?.sha256 ?? ""), plain.content.length);
  await named.remove();
});
