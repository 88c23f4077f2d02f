import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { formatStatement } from "../../src/formats/statement.ts";
import { verify } from "../../src/verification/verify.ts";
import { CONTENT, FILENAME, forgeLeaf } from "./forge.ts";
import { entryV1, envelopeBundle, inputOf, messageBundle, statementOf } from "./forge-bundle.ts";
import { type Case, refuses } from "./refuses.ts";

const leaf = forgeLeaf();
const message = messageBundle(leaf);
const envelope = envelopeBundle(leaf);
const OTHER = utf8("another wheel");

const CASES: readonly Case[] = [
  [
    "11 the payload type is another, and signed so",
    () => inputOf(envelopeBundle(leaf, entryV1, statementOf(), "application/json")),
    "DSSE_PAYLOAD_TYPE",
  ],
  [
    "13 the right digest stands under another name",
    () => inputOf(envelopeBundle(leaf, entryV1, statementOf("widgets-1.3.0-py3-none-any.whl"))),
    "STATEMENT_SUBJECT",
  ],
  [
    "13 the right name stands over another digest",
    () => inputOf(envelopeBundle(leaf, entryV1, statementOf(FILENAME, OTHER))),
    "STATEMENT_SUBJECT",
  ],
  [
    "13 a publish attestation has two subjects",
    () => {
      const subject = { name: FILENAME, sha256: sha256(CONTENT) };
      const other = { name: "widgets-1.2.0.tar.gz", sha256: sha256(OTHER) };
      const type = "https://docs.pypi.org/attestations/publish/v1";
      return inputOf(envelopeBundle(leaf, entryV1, formatStatement([subject, other], type, null)));
    },
    "STATEMENT_SUBJECT",
  ],
  [
    "13 a subject has no name",
    () => {
      const text = new TextDecoder().decode(statementOf());
      const payload = utf8(text.replace(`"name":"${FILENAME}",`, ""));
      return inputOf(envelopeBundle(leaf, entryV1, payload));
    },
    "STATEMENT_SUBJECT",
  ],
  [
    "14 the predicate type is not among the accepted",
    () => inputOf(envelope, { predicateTypes: ["https://slsa.dev/provenance/v1"] }),
    "STATEMENT_PREDICATE",
  ],
  [
    "14 no predicate type is accepted",
    () => inputOf(envelope, { predicateTypes: [] }),
    "STATEMENT_PREDICATE",
  ],
  [
    "14 a bare signature where a statement is asked for",
    () => inputOf(message, { predicateTypes: ["https://slsa.dev/provenance/v1"] }),
    "STATEMENT_PREDICATE",
  ],
  [
    "14 a publish attestation has a predicate with content",
    () => {
      const type = "https://docs.pypi.org/attestations/publish/v1";
      const payload = statementOf(FILENAME, CONTENT, type, { a: 1 });
      return inputOf(envelopeBundle(leaf, entryV1, payload));
    },
    "STATEMENT_PREDICATE",
  ],
  [
    "the payload is no statement",
    () => inputOf(envelopeBundle(leaf, entryV1, utf8("{}"))),
    "STATEMENT_FORMAT",
  ],
  [
    "the payload is no JSON",
    () => inputOf(envelopeBundle(leaf, entryV1, utf8("x"))),
    "STATEMENT_FORMAT",
  ],
  [
    "the statement has no subject",
    () => {
      const payload = formatStatement([], "https://slsa.dev/provenance/v1", {});
      return inputOf(envelopeBundle(leaf, entryV1, payload));
    },
    "STATEMENT_FORMAT",
  ],
  [
    "a subject without SHA-256",
    () => {
      const text = new TextDecoder().decode(statementOf());
      return inputOf(envelopeBundle(leaf, entryV1, utf8(text.replace("sha256", "sha512"))));
    },
    "STATEMENT_SUBJECT",
  ],
];

describe("statement and subject", () => {
  refuses(CASES);

  it("names the same distribution under another order of tags", async () => {
    const name = "widgets-1.2.0-py2.py3-none-any.whl";
    const statement = statementOf("widgets-1.2.0-py3.py2-none-any.whl");
    const artifact = artifactOfBytes(CONTENT, name);
    const verdict = await verify(inputOf(envelopeBundle(leaf, entryV1, statement), { artifact }));
    assert.ok(verdict.verified, JSON.stringify(verdict));
  });

  it("binds nothing but the bytes where the file's name is not known", async () => {
    const verdict = await verify(inputOf(envelope, { artifact: artifactOfBytes(CONTENT) }));
    assert.ok(verdict.verified);
    assert.equal(verdict.binding, "bytes-only");
  });
});
