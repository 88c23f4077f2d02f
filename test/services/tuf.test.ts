import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Updater } from "tuf-js";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { startStack } from "../../src/services/server.ts";
import { openState } from "../../src/services/state.ts";
import { tufService } from "../../src/services/tuf.ts";
import { readTufDocument, type TufTarget } from "../../src/services/tuf-metadata.ts";
import { openTufRepository } from "../../src/services/tuf-repository.ts";

const DAY = 24 * 3600_000;

type Context = { after(done: () => unknown): void };

const temporary = async (t: Context): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-tuf-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
};

const TARGETS: ReadonlyMap<string, TufTarget> = new Map([["a.json", { content: utf8("a") }]]);

/** Opens the repository in `folder`, does `work` and closes it, as one run of the stack does. */
const run = async <T>(
  folder: string,
  work: (repository: Repository) => Promise<T>,
  { now = Date.now(), targets = TARGETS } = {},
): Promise<T> => {
  const state = unwrap(await openState(folder));
  try {
    return await work(unwrap(await openTufRepository({ state, now: () => now, targets })));
  } finally {
    await state.close();
  }
};

type Repository =
  Awaited<ReturnType<typeof openTufRepository>> extends infer R
    ? R extends { readonly ok: true; readonly value: infer V }
      ? V
      : never
    : never;

const timestampOf = (repository: Repository) =>
  readTufDocument.timestamp(repository.file("timestamp.json")!)!.metadata.signed;

/** Reads the repository with an updater that is not ours. */
const readWith = async (
  t: Context,
  base: string,
  firstRoot: Uint8Array,
  name: string,
): Promise<{ content: Buffer; folder: string }> => {
  const folder = await temporary(t);
  await writeFile(join(folder, "root.json"), firstRoot);
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: base,
    targetDir: folder,
    targetBaseUrl: `${base}/targets`,
  });
  await updater.refresh();
  const target = await updater.getTargetInfo(name);
  const path = await updater.downloadTarget(target!);
  return { content: await readFile(path), folder };
};

test("the stack's repository, read by another client from the exported root", async (t) => {
  const folder = await temporary(t);
  const stack = unwrap(await startStack({ folder, port: 0 }));
  t.after(() => stack.close());
  const root = await readFile(join(folder, "trust", "1.root.json"));
  const digest = await readFile(join(folder, "trust", "1.root.json.sha256"), "utf8");
  assert.equal(digest, `${hex(sha256(root))}  1.root.json\n`);
  for (const [target, file] of [
    ["trusted_root.json", "trusted_root.json"],
    ["rekor.pub", "rekor.pub"],
    ["ctfe.pub", "ctfe.pub"],
  ] as const) {
    const { content } = await readWith(t, stack.urls.tuf, root, target);
    assert.deepEqual(content, await readFile(join(folder, "trust", file)));
  }
});

test("both generations of targets, the older with what they are for", async (t) => {
  const folder = await temporary(t);
  const stack = unwrap(await startStack({ folder, port: 0 }));
  t.after(() => stack.close());
  const response = await fetch(`${stack.urls.tuf}/1.targets.json`);
  const { signed, signatures } = (await response.json()) as {
    signed: {
      targets: Record<string, { custom?: { sigstore: { usage: string; status: string } } }>;
    };
    signatures: unknown[];
  };
  assert.equal(signatures.length, 2);
  const usages = Object.entries(signed.targets).map(([name, { custom }]) => [
    name,
    custom?.sigstore.usage,
  ]);
  assert.deepEqual(Object.fromEntries(usages), {
    "trusted_root.json": undefined,
    "signing_config.v0.2.json": undefined,
    "signing_config_rekor_v2.v0.2.json": undefined,
    "fulcio.crt.pem": "Fulcio",
    "fulcio_intermediate.crt.pem": "Fulcio",
    "ctfe.pub": "CTFE",
    "rekor.pub": "Rekor",
  });
});

test("a restart signs a new timestamp and leaves the rest alone", async (t) => {
  const folder = await temporary(t);
  const first = await run(folder, async (repository) => ({
    root: repository.firstRoot,
    timestamp: timestampOf(repository),
    targets: repository.file("1.targets.json"),
  }));
  await run(folder, async (repository) => {
    assert.deepEqual(repository.firstRoot, first.root);
    assert.equal(timestampOf(repository).version, first.timestamp.version + 1);
    assert.equal(timestampOf(repository).snapshotMeta.version, 1);
    assert.deepEqual(repository.file("1.targets.json"), first.targets);
    assert.equal(repository.file("2.targets.json"), undefined);
    assert.equal(repository.file("2.root.json"), undefined);
  });
});

test("other targets are a new version, and the old ones stay for who is reading them", async (t) => {
  const folder = await temporary(t);
  await run(folder, async () => undefined);
  const targets = new Map([["a.json", { content: utf8("changed") }]]);
  await run(
    folder,
    async (repository) => {
      assert.ok(repository.file("2.targets.json"));
      assert.ok(repository.file("2.snapshot.json"));
      assert.ok(repository.file(`targets/${hex(sha256(utf8("changed")))}.a.json`));
    },
    { targets },
  );
});

test("what ends soon is signed anew at a start, the root too", async (t) => {
  const folder = await temporary(t);
  const start = Date.now();
  await run(folder, async () => undefined, { now: start });
  await run(
    folder,
    async (repository) => {
      assert.equal(repository.file("2.root.json"), undefined);
      assert.equal(repository.file("2.targets.json"), undefined);
      assert.ok(repository.file("2.snapshot.json"));
    },
    { now: start + 20 * DAY },
  );
  await run(
    folder,
    async (repository) => {
      assert.ok(repository.file("2.root.json"));
      assert.ok(repository.file("2.targets.json"));
      assert.ok(Date.parse(timestampOf(repository).expires) > start + 310 * DAY);
    },
    { now: start + 300 * DAY },
  );
});

/** Answers tuf-js over a real socket, since its fetcher cannot be told otherwise. */
const serve = async (t: Context, repository: Repository): Promise<string> => {
  const { listen } = await import("../../src/services/listener.ts");
  const listener = unwrap(await listen(0));
  t.after(() => listener.close());
  listener.serve(tufService(repository).fetch);
  return `http://127.0.0.1:${listener.port}/tuf`;
};

test("rotated keys follow from the old ones, for new clients and after a restart", async (t) => {
  const folder = await temporary(t);
  const ids = (bytes: Uint8Array) => readTufDocument.root(bytes)!.metadata.signed.roles;
  const oldRoot = await run(folder, async (repository) => {
    const base = await serve(t, repository);
    assert.ok((await repository.rotate()).ok);
    assert.ok((await repository.rotate()).ok);
    const [first, third] = [repository.file("1.root.json")!, repository.file("3.root.json")!];
    for (const role of ["root", "targets", "snapshot", "timestamp"]) {
      const [before, after] = [ids(first)[role]!.keyIDs, ids(third)[role]!.keyIDs];
      assert.equal(before.length, after.length);
      assert.ok(
        after.every((id) => !before.includes(id)),
        `${role} has other keys`,
      );
    }
    const read = await readWith(t, base, first, "a.json");
    assert.equal(String(read.content), "a");
    const root = readTufDocument.root(await readFile(join(read.folder, "root.json")));
    assert.equal(root?.metadata.signed.version, 3);
    return repository.firstRoot;
  });
  await run(folder, async (repository) => {
    assert.deepEqual(repository.firstRoot, oldRoot);
    const base = await serve(t, repository);
    assert.equal(String((await readWith(t, base, oldRoot, "a.json")).content), "a");
    assert.ok((await repository.rotate()).ok, "the keys in use were found again");
  });
});

test("changes at once are made one after the other", async (t) => {
  const folder = await temporary(t);
  await run(folder, async (repository) => {
    const done = await Promise.all([repository.renew(), repository.rotate(), repository.renew()]);
    assert.ok(done.every((each) => each.ok));
    assert.equal(timestampOf(repository).version, 4);
  });
});

for (const [name, file] of [
  ["a root", "1.root.json"],
  ["targets", "targets.json"],
  ["a timestamp", "timestamp.json"],
] as const) {
  test(`${name} that somebody changed is not served`, async (t) => {
    const folder = await temporary(t);
    await run(folder, async () => undefined);
    const path = join(folder, "tuf", file);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace(/"version": 1/, '"version": 9'));
    const state = unwrap(await openState(folder));
    t.after(() => state.close());
    const opened = await openTufRepository({ state, now: Date.now, targets: TARGETS });
    assert.equal(opened.ok ? "served" : opened.error.code, "STATE_CORRUPT");
  });
}

test("only files of the repository, and only to read", async (t) => {
  const folder = await temporary(t);
  await run(folder, async (repository) => {
    const { fetch: ask } = tufService(repository);
    const status = async (path: string, method = "GET") =>
      (await ask(new Request(`http://127.0.0.1/tuf/${path}`, { method }))).status;
    assert.equal(await status("1.root.json"), 200);
    assert.equal(await status("1.root.json", "HEAD"), 200);
    assert.equal(await status("1.root.json", "PUT"), 405);
    for (const path of ["2.root.json", "", "targets.json", "../state.json", "%2e%2e/state.json"]) {
      assert.equal(await status(path), 404, path);
    }
  });
});
