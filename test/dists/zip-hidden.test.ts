import assert from "node:assert/strict";
import { test } from "node:test";
import { a, b, readAll } from "./zip-reading.ts";
import { pack, writeZip } from "./zip-writer.ts";

/**
 * The end record is plain, but the last extra field before it ends as a zip64 locator, which leads
 * to another directory.
 */
function hiddenDirectory(locator: number): Uint8Array {
  const hidden = writeZip([b]);
  const hiddenEnd = hidden.length - 22;
  const view = new DataView(hidden.buffer);
  const offset = view.getUint32(hiddenEnd + 16, true);
  const local = hidden.subarray(0, offset);
  const directory = Uint8Array.from(hidden.subarray(offset, hiddenEnd));
  // The local entry of the hidden member stands in an extra field of the visible one.
  new DataView(directory.buffer).setUint32(42, 30 + a.name.length + 4, true);
  const carrier = pack([0x6666, 2], [local.length, 2], local);
  const end64 = (directoryOffset: number, at: number): Uint8Array =>
    pack(
      [0x06064b50, 4],
      [44, 8],
      [45, 2],
      [45, 2],
      [0, 4],
      [0, 4],
      [1, 8],
      [1, 8],
      [directory.length, 8],
      [directoryOffset, 8],
      [locator, 4],
      [0, 4],
      [at, 8],
      [1, 4],
    );
  const build = (directoryOffset: number): Uint8Array => {
    const tail = pack(directory, end64(directoryOffset, directoryOffset + directory.length));
    const extra = pack([0x6667, 2], [tail.length, 2], tail);
    return writeZip([{ ...a, local: { extra: carrier }, central: { extra } }]);
  };
  const length = build(0).length;
  return build(length - 22 - 76 - directory.length);
}

test("a directory that only readers see who follow a locator for nothing", async () => {
  const hidden = await readAll(hiddenDirectory(0x07064b50));
  assert.match(String(hidden.message), /zip64 locator that it does not need/);
  assert.equal(hidden.code, "DIST_ZIP");
  assert.deepEqual(await readAll(hiddenDirectory(0x08064b50)), { [a.name]: a.content });
});
