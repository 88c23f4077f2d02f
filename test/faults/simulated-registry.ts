import { join } from "node:path";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { type RegistryService, registryService } from "../../src/services/registry.ts";
import { PowerLoss, SOUND } from "./disk.ts";
import { sabotaged } from "./sabotage.ts";
import { type Counts, holds, type Life, type Simulated, type World } from "./simulation.ts";

const PACKAGES = "http://registry.example/api/v4/projects/1/packages";
const CREDENTIALS = { "private-token": "secret" };

type Upload = {
  readonly kind: "generic" | "pypi";
  readonly name: string;
  readonly content: Uint8Array<ArrayBuffer>;
};

const chunked = (content: Uint8Array, size: number): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (stream) => {
      for (let at = 0; at < content.length; at += size) {
        stream.enqueue(content.slice(at, at + size));
      }
      stream.close();
    },
  });

const requestFor = ({ kind, name, content }: Upload, size: number): Request => {
  if (kind === "generic") {
    const init = { method: "PUT", body: chunked(content, size), duplex: "half" };
    const url = `${PACKAGES}/generic/pkg/1.0/${name}`;
    return new Request(url, { ...init, headers: CREDENTIALS } as RequestInit);
  }
  const form = new FormData();
  form.set("name", "pkg");
  form.set("version", "1.0");
  form.set("content", new Blob([content]), name);
  return new Request(`${PACKAGES}/pypi`, { method: "POST", headers: CREDENTIALS, body: form });
};

const urlOf = ({ kind, name, content }: Upload): string =>
  kind === "generic"
    ? `${PACKAGES}/generic/pkg/1.0/${name}`
    : `${PACKAGES}/pypi/files/${hex(sha256(content))}/${name}`;

/** Every upload that was answered with 201, against what is served now. */
const check = async (registry: RegistryService, answered: readonly Upload[]): Promise<void> => {
  for (const upload of answered) {
    const response = await registry.fetch(new Request(urlOf(upload), { headers: CREDENTIALS }));
    holds(
      response.status === 200,
      `${upload.name} was answered, and now gets ${response.status}: ${response.ok ? "" : await response.clone().text()}`,
    );
    const served = new Uint8Array(await response.arrayBuffer());
    const same = hex(sha256(served)) === hex(sha256(upload.content));
    holds(same, `${upload.name} is served with other content`);
  }
  const index = new Request(`${PACKAGES}/pypi/simple/pkg`, { headers: CREDENTIALS });
  const page = await (await registry.fetch(index)).text();
  for (const { kind, name, content } of answered) {
    const listed = kind === "generic" || page.includes(`${hex(sha256(content))}/${name}`);
    holds(listed, `${name} was answered, and is not in the index`);
  }
};

const begin = (world: World, counts: Counts): Life => {
  const { chance, disk, now, sabotage } = world;
  const answered: Upload[] = [];
  let files = 0;
  let failed = "";

  const upload = async (registry: RegistryService): Promise<void> => {
    for (let turns = chance(3); turns > 0; turns -= 1) await new Promise(setImmediate);
    files += 1;
    const kind = chance(3) === 0 ? "pypi" : "generic";
    const fill = chance(4) === 0 ? 7 : files;
    const content = new Uint8Array(chance(3000)).fill(fill);
    const sent: Upload = { kind, name: `pkg-1.0-${files}.tar.gz`, content };
    if (sabotage === "answers-early") answered.push(sent);
    const response = await registry.fetch(requestFor(sent, 1 + chance(900)));
    const said = await response.text();
    if (disk.isOff()) return;
    const expected = response.status === 201 || (disk.fails() && response.status === 503);
    holds(expected, `${sent.name} got ${response.status}: ${said} ${failed}`);
    if (response.status !== 201) return;
    counts.answers += 1;
    answered.push(sent);
  };

  const open = (): RegistryService | undefined => {
    try {
      return registryService({
        folder: join(disk.folder(), "registry"),
        projects: [{ id: "1", path: "acme/pkg", visibility: "private" }],
        credentials: [
          { kind: "personal-access-token", secret: "secret", projects: ["1"], rights: "write" },
        ],
        now,
        onError: (error) => {
          failed = error instanceof Error ? (error.stack ?? "") : String(error);
        },
        storage: sabotaged(disk.storage(), sabotage),
      });
    } catch (error) {
      if (error instanceof PowerLoss || disk.isOff() || disk.fails()) return undefined;
      throw error;
    }
  };

  const live = async (rounds: number): Promise<"lived"> => {
    const registry = open();
    if (registry === undefined) return "lived";
    await check(registry, answered);
    for (let round = 0; round < rounds && !disk.isOff(); round += 1) {
      await Promise.all(Array.from({ length: 1 + chance(3) }, () => upload(registry)));
      if (!disk.isOff()) await check(registry, answered);
    }
    if (!disk.isOff() && chance(2) === 0) {
      try {
        registry.close();
      } catch (error) {
        if (!(error instanceof PowerLoss)) throw error;
      }
    }
    return "lived";
  };
  return { live };
};

/**
 * The registry: its database and its blobs. Nothing else remembers what it held, so a disk that
 * lies about its flushes is no part of this.
 */
export const simulatedRegistry: Simulated = {
  name: "registry",
  faults: [SOUND, SOUND, SOUND, { ...SOUND, full: 15 }, { ...SOUND, broken: 15 }],
  begin,
};
