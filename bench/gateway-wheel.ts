import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/** One stored member of a zip, and its line of the directory. */
const member = (name: string, content: Buffer, offset: number): [Buffer, Buffer] => {
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(0x21, 8);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(content.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(name.length, 22);
  const place = Buffer.alloc(14);
  place.writeUInt32LE(0o100644 * 0x10000, 6);
  place.writeUInt32LE(offset, 10);
  const local = [Buffer.from("PK\x03\x04"), common, Buffer.from(name), content];
  const central = [Buffer.from("PK\x01\x02\x14\x03"), common, place, Buffer.from(name)];
  return [Buffer.concat(local), Buffer.concat(central)];
};

/** A sound wheel `large` 1.0 of that many megabytes. */
export const benchWheel = (megabytes: number): { filename: string; content: Buffer } => {
  const info = "large-1.0.dist-info";
  const files: [string, Buffer][] = [
    ["large.bin", randomBytes(megabytes * 1_000_000)],
    [`${info}/METADATA`, Buffer.from("Metadata-Version: 2.1\nName: large\nVersion: 1.0\n")],
    [
      `${info}/WHEEL`,
      Buffer.from("Wheel-Version: 1.0\nGenerator: b\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    ],
  ];
  const record = files.map(([name, content]) => {
    const digest = createHash("sha256").update(content).digest("base64url");
    return `${name},sha256=${digest},${content.length}`;
  });
  files.push([`${info}/RECORD`, Buffer.from([...record, `${info}/RECORD,,`, ""].join("\n"))]);
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const [here, listed] = member(name, content, offset);
    local.push(here);
    central.push(listed);
    offset += here.length;
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(
    central.reduce((sum, { length }) => sum + length, 0),
    12,
  );
  end.writeUInt32LE(offset, 16);
  const content = Buffer.concat([...local, ...central, end]);
  return { filename: "large-1.0-py3-none-any.whl", content };
};
