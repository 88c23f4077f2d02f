import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { sha256 } from "../../src/crypto/hash.ts";
import { base64url, hex, utf8 } from "../../src/formats/bytes.ts";
import { requiredEvidence } from "../../src/formats/evidence.ts";
import type { StageEvent } from "../../src/stages/events.ts";
import { writeZip } from "../dists/zip-writer.ts";

export const WHEEL = "greeter-1.0.0-py3-none-any.whl";
export const SDIST = "greeter-1.0.0.tar.gz";

const METADATA =
  "Metadata-Version: 2.4\nName: greeter\nVersion: 1.0.0\nRequires-Python: >=3.8\n\nHello.\n";

/** A sound wheel; `body` is the module's content. */
export const makeWheel = (body = "GREETING = 'hello'\n"): Uint8Array => {
  const files: [string, string][] = [
    ["greeter.py", body],
    ["greeter-1.0.0.dist-info/METADATA", METADATA],
    [
      "greeter-1.0.0.dist-info/WHEEL",
      "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    ],
  ];
  const record = files
    .map(([name, text]) => `${name},sha256=${base64url(sha256(utf8(text)))},${utf8(text).length}`)
    .concat("greeter-1.0.0.dist-info/RECORD,,", "")
    .join("\n");
  return writeZip(
    [...files, ["greeter-1.0.0.dist-info/RECORD", record] as const].map(([name, content]) => ({
      name,
      content,
    })),
  );
};

const tarMember = (name: string, text: string): Buffer => {
  const content = Buffer.from(text);
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0" + "0000000\0".repeat(2), 100);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        0", 148);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
};

/** A sound sdist. */
export const makeSdist = (): Uint8Array =>
  new Uint8Array(
    gzipSync(
      Buffer.concat([
        tarMember("greeter-1.0.0/PKG-INFO", METADATA),
        tarMember("greeter-1.0.0/pyproject.toml", "[project]\n"),
        Buffer.alloc(1024),
      ]),
    ),
  );

export const sha256Hex = (bytes: Uint8Array): string => hex(sha256(bytes));

/** A folder with a wheel, an sdist, and stand-ins for their evidence, which no one can verify. */
export const releaseFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-release-"));
  const contents = new Map([
    [WHEEL, makeWheel()],
    [SDIST, makeSdist()],
  ]);
  for (const [name, content] of contents) {
    writeFileSync(join(folder, name), content);
    for (const evidence of requiredEvidence(name)) {
      writeFileSync(join(folder, evidence), `evidence ${evidence}`);
    }
  }
  const events: StageEvent[] = [];
  return {
    folder,
    events,
    report: (event: StageEvent) => events.push(event),
    verified: [...contents].map(([filename, content]) => ({
      path: join(folder, filename),
      filename,
      sha256: sha256Hex(content),
      attestations: [] as Uint8Array[],
    })),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
};
