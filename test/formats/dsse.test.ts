import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { envelopeJson, pae } from "../../src/formats/dsse.ts";
import { tlogEntryJson } from "../../src/formats/tlog-entry.ts";

import { envelope, message } from "./bundles.ts";

describe("DSSE", () => {
  it("encodes as the specification's example", () => {
    const encoded = pae("http://example.com/HelloWorld", new TextEncoder().encode("hello world"));
    assert.equal(
      new TextDecoder().decode(encoded),
      "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
    );
  });

  it("counts bytes, not characters", () => {
    const encoded = pae("é", new Uint8Array([255]));
    assert.deepEqual(
      [...encoded.slice(0, 12)],
      [...new TextEncoder().encode("DSSEv1 2 é 1")].slice(0, 12),
    );
    assert.equal(encoded.at(-1), 255);
  });

  it("writes the key id, also an empty one, and every field of an entry", () => {
    assert.ok(envelope.content.kind === "dsse");
    assert.equal(envelopeJson(envelope.content.envelope).signatures[0]?.keyid, "");
    const bare = tlogEntryJson({ ...message.entries[0]!, inclusionProof: undefined });
    assert.equal("inclusionProof" in bare, false);
  });
});
