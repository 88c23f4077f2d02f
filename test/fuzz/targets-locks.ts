import assert from "node:assert/strict";
import type { Closure } from "../../src/consumer/closure.ts";
import { parsePylock } from "../../src/consumer/closure-pylock.ts";
import { parseRequirements } from "../../src/consumer/closure-requirements.ts";
import { addIdentities } from "../../src/consumer/pylock-identities.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { type Law, type Target, target } from "./target.ts";

const A = "a".repeat(64);

const PYLOCK = `# a lock
lock-version = "1.0"

[[packages]]
name = "attrs"
version = "26.1.0"
marker = "sys_platform == 'win32'"
index = "https://pypi.example/simple"
sdist = { url = "https://f.test/attrs-26.1.0.tar.gz", upload-time = 2026-03-19T14:22:25Z, hashes = { sha256 = "${A}" } }
wheels = [{ name = "attrs-26.1.0-py3-none-any.whl", url = "https://f.test/w", size = 7, hashes = { sha256 = "${A}" } }]
attestation-identities = [{ kind = "GitHub", repository = "a/b", workflow = "c.yml" }]

[[packages]]
name = "here"
directory = { path = "." }

[[packages]]
name = "near"

[packages.archive]
url = "https://f.test/near-1.0.tar.gz"

[packages.archive.hashes]
sha256 = "${A}"
`;

const REQUIREMENTS = `# pinned
attrs==26.1.0 ; sys_platform == 'win32' \\
    --hash=sha256:${A} \\
    --hash=sha256:${"b".repeat(64)}
    # via p
near[x]==1.0 --hash=sha256:${A}
`;

/** Nothing of a lock may climb out of a folder, or smuggle anything into what installers read. */
const harmless: Law<Closure> = ({ entries }) => {
  for (const { files, digests, marker = "", name, version } of entries) {
    assert.ok(files.length + digests.length > 0);
    assert.doesNotMatch(`${name}==${version} ; ${marker}`, /[\r\n#\\]|\s-/);
    for (const digest of [...digests, ...files.map(({ sha256 }) => sha256)]) {
      assert.match(digest, /^[0-9a-f]{64}$/);
    }
    for (const { filename, url } of files) {
      assert.match(filename, /^[^/\\]+\.(?:whl|tar\.gz|zip)$/);
      assert.match(url ?? "", /^https?:\/\/[^@]*$|^https?:\/\/[^/@]+\//);
    }
  }
};

/** An identity that is added is there when it is read again, and nothing else has changed. */
const editable: Law<Closure> = (closure, input) => {
  const [entry] = closure.entries;
  if (entry === undefined) return;
  const identity = { kind: "GitLab", fields: { repository: "x/y", workflow_filepath: "z" } };
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(input);
  const edited = addIdentities(text, [{ entry, identity }]);
  if (!edited.ok) return;
  const read = parsePylock(utf8(edited.value), "pylock.toml");
  assert.ok(read.ok);
  const [first, ...rest] = read.value.entries;
  assert.deepEqual(first, { ...entry, identities: [...entry.identities, identity] });
  assert.deepEqual(rest, closure.entries.slice(1));
};

export const LOCKS: readonly Target[] = [
  target(
    "pylock",
    [utf8(PYLOCK)],
    (input) => parsePylock(input, "pylock.toml"),
    harmless,
    editable,
  ),
  target(
    "requirements",
    [utf8(REQUIREMENTS)],
    (input) => parseRequirements(input, "requirements.txt"),
    harmless,
  ),
];
