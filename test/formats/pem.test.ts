import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatPem, parsePem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";

const anyDer = fc.uint8Array({ minLength: 1, maxLength: 200 });

test("blocks are read back, also with CR LF and in one line", () => {
  fc.assert(
    fc.property(fc.array(anyDer, { minLength: 1, maxLength: 4 }), (blocks) => {
      const text = blocks.map((der) => formatPem("CERTIFICATE", der)).join("\n");
      assert.deepEqual(unwrap(parsePem(text, "CERTIFICATE")), blocks);
      assert.deepEqual(unwrap(parsePem(text.replaceAll("\n", "\r\n"), "CERTIFICATE")), blocks);
      const unwrapped = text.replace(/(?<=[\w+/=])\n(?=[\w+/=])/g, "");
      assert.deepEqual(unwrap(parsePem(unwrapped, "CERTIFICATE")), blocks);
    }),
  );
});

test("a block has lines of 64 characters and a newline at its end", () => {
  const text = formatPem("PUBLIC KEY", new Uint8Array(49));
  assert.equal(
    text,
    `-----BEGIN PUBLIC KEY-----\n${"A".repeat(64)}\nAA==\n-----END PUBLIC KEY-----\n`,
  );
});

const BLOCK = formatPem("CERTIFICATE", Uint8Array.of(1, 2, 3));
const REFUSED: Record<string, [string, string]> = {
  nothing: ["", "FORMAT_PEM"],
  "another label": [formatPem("PUBLIC KEY", Uint8Array.of(1)), "FORMAT_PEM"],
  "a block of another label behind": [
    BLOCK + formatPem("PUBLIC KEY", Uint8Array.of(1)),
    "FORMAT_PEM",
  ],
  "text before": [`subject=x\n${BLOCK}`, "FORMAT_PEM"],
  "no end": [BLOCK.replace(/-----END.*\n/, ""), "FORMAT_PEM"],
  "another end": [BLOCK.replace("END CERTIFICATE", "END PUBLIC KEY"), "FORMAT_PEM"],
  "no content": [BLOCK.replace("AQID\n", ""), "FORMAT_PEM"],
  "a header": [BLOCK.replace("AQID", "Proc-Type: 4,ENCRYPTED\n\nAQID"), "FORMAT_PEM"],
  "bad base64": [BLOCK.replace("AQID", "AQI"), "FORMAT_PEM"],
  "65 blocks": [BLOCK.repeat(65), "FORMAT_SIZE"],
  "more than 1 MiB": [BLOCK + " ".repeat(1 << 20), "FORMAT_SIZE"],
};
for (const [name, [text, code]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => {
    const result = parsePem(text, "CERTIFICATE");
    assert.equal(result.ok ? "accepted" : result.error.code, code);
  });
}
