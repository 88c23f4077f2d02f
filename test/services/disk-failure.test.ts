import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { checkpointSigner } from "../../src/services/note-writer.ts";
import { registryService } from "../../src/services/registry.ts";
import { openState } from "../../src/services/state.ts";
import { disk, type Storage } from "../../src/services/storage.ts";
import { openTreeStore } from "../../src/services/tree-store.ts";

const folder = mkdtempSync(join(tmpdir(), "wheelseal-disk-"));
after(() => rmSync(folder, { recursive: true }));

const full = () => Object.assign(new Error("no space"), { code: "ENOSPC" });

/** A disk on which the changes for which `fails` is true find no space. */
const fullDisk = (fails: (what: "open" | "write" | "sync" | "rename" | "folder") => boolean) => {
  const check = (what: Parameters<typeof fails>[0]): void => {
    if (fails(what)) throw full();
  };
  const storage: Storage = {
    ...disk,
    open: async (path, how) => {
      check("open");
      const file = await disk.open(path, how);
      return {
        ...file,
        write: async (bytes, at) => {
          check("write");
          await file.write(bytes, at);
        },
        sync: async () => {
          check("sync");
          await file.sync();
        },
      };
    },
    syncFolder: async (path) => {
      check("folder");
      await disk.syncFolder(path);
    },
  };
  return storage;
};

const signer = checkpointSigner("log.example", "log.example", generateKey("ecdsa-p256"));

describe("a log", () => {
  for (const what of ["open", "write", "sync", "folder"] as const) {
    test(`says that the disk is full when ${what} fails at its start, and starts later`, async () => {
      const path = join(folder, `${what}.db`);
      const now = () => 0;
      const storage = fullDisk((one) => one === what);
      const opened = await openTreeStore({ path, signer, now, storage });
      assert.equal(opened.ok ? "opened" : opened.error.code, "FILE_UNWRITABLE");
      await unwrap(await openTreeStore({ path, signer, now })).close();
    });
  }

  test("starts where the very first checkpoint was torn, and only there", async () => {
    const path = join(folder, "torn.db");
    const now = () => 0;
    writeFileSync(`${path}.checkpoint`, Buffer.concat([Buffer.alloc(4096), Buffer.from("1 2")]));
    const store = unwrap(await openTreeStore({ path, signer, now }));
    unwrap(await store.append({ body: utf8("a"), keys: [] }));
    await store.close();
    writeFileSync(`${path}.checkpoint`, Buffer.concat([Buffer.alloc(4096), Buffer.from("1 2")]));
    const again = await openTreeStore({ path, signer, now });
    assert.equal(again.ok ? "opened" : again.error.code, "STATE_CORRUPT");
  });
});

const CREDENTIALS = { "private-token": "secret" };
const PACKAGES = "http://registry.example/api/v4/projects/1/packages";

const registryOn = (storage: Storage, name: string) =>
  registryService({
    folder: join(folder, name),
    projects: [{ id: "1", path: "acme/pkg", visibility: "private" }],
    credentials: [
      { kind: "personal-access-token", secret: "secret", projects: ["1"], rights: "write" },
    ],
    now: () => 0,
    storage,
  });

/** Sent in pieces, as a network does. */
const inPieces = (bytes: Uint8Array): ReadableStream<Uint8Array> => {
  let at = 0;
  return new ReadableStream({
    pull: (stream) => {
      if (at >= bytes.length) return stream.close();
      stream.enqueue(bytes.slice(at, at + 65_536));
      at += 65_536;
    },
  });
};

const upload = async (kind: "pypi" | "generic", size: number): Promise<Request> => {
  const content = new Uint8Array(size);
  if (kind === "generic") {
    const init = { method: "PUT", body: inPieces(content), duplex: "half" };
    const url = `${PACKAGES}/generic/pkg/1.0/f.bin`;
    return new Request(url, { ...init, headers: CREDENTIALS } as RequestInit);
  }
  const form = new FormData();
  form.set("name", "pkg");
  form.set("version", "1.0");
  form.set("content", new Blob([content]), "pkg-1.0.tar.gz");
  const whole = new Request(PACKAGES, { method: "POST", body: form });
  const headers = { ...CREDENTIALS, "content-type": whole.headers.get("content-type") ?? "" };
  const body = inPieces(new Uint8Array(await whole.arrayBuffer()));
  const init = { method: "POST", body, duplex: "half", headers };
  return new Request(`${PACKAGES}/pypi`, init as RequestInit);
};

describe("a registry whose disk is full", () => {
  for (const kind of ["pypi", "generic"] as const) {
    for (const what of ["open", "write", "sync", "folder"] as const) {
      test(`asks for patience when ${what} fails at a ${kind} upload, then takes it`, async () => {
        let failing = true;
        let writes = 0;
        // In the midst of the content, when more of it than fits into any buffer is to come.
        const storage = fullDisk(
          (one) => failing && one === what && (what !== "write" || ++writes > 2),
        );
        const registry = registryOn(storage, `${kind}-${what}`);
        const refused = await registry.fetch(await upload(kind, 2_000_000));
        assert.equal(refused.status, 503, await refused.text());
        assert.equal(refused.headers.get("retry-after"), "1");
        failing = false;
        assert.equal((await registry.fetch(await upload(kind, 2_000_000))).status, 201);
        registry.close();
      });
    }
  }
});

test("what could not be put on record is not told of, until it is", async () => {
  const path = join(folder, "state");
  let failing = false;
  let folders = 0;
  // The file itself is written; its record is not.
  const storage = fullDisk((what) => failing && what === "folder" && ++folders > 1);
  const state = unwrap(await openState(path, storage));
  failing = true;
  const first = await state.keep("k", () => utf8("first"));
  const again = await state.keep("k", () => utf8("second"));
  for (const kept of [first, again]) {
    assert.equal(kept.ok ? "kept" : kept.error.code, "FILE_UNWRITABLE");
  }
  failing = false;
  const kept = unwrap(await state.keep("k", () => utf8("third")));
  await state.close();
  const later = unwrap(await openState(path));
  assert.deepEqual(unwrap(await later.keep("k", () => utf8("fourth"))), kept);
  await later.close();
});
