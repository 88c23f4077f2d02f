import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { resolveLink } from "../../src/clients/simple-link.ts";

const PAGE = "https://index.test/simple/acme/";
const PARTS = fc.constantFrom(
  ...["a", "B", "acme-1.0.whl", ".", "..", "...", ".a", "%2e", "%2E%2e", "a b", "é", "", "+", "_"],
  ...["1", "127", "0x7f", "xn--a", "xn--bcher-kva", "A.b", "a:b", "@", "\\", "\t", "a#b", "?", "~"],
);
const HOST = fc.array(PARTS, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
const SCHEME = fc.constantFrom("https://", "http://", "HTTPS://", "https:/", "//", "");
const DIGEST = fc.constantFrom("", `#sha256=${"0".repeat(64)}`, "#sha256=00", "#");

test("a link is resolved to what a URL parser makes of it, whichever way it is read", () => {
  fc.assert(
    fc.property(
      SCHEME,
      HOST,
      fc.array(PARTS, { maxLength: 4 }),
      DIGEST,
      (scheme, host, path, end) => {
        const link = `${scheme}${[host, ...path].join("/")}${end}`;
        const found = resolveLink(link, PAGE);
        const url = URL.parse(link, PAGE);
        if (!found.ok) {
          assert.ok(url === null || url.protocol !== "https:" || url.username !== "", link);
          return;
        }
        assert.ok(url !== null, link);
        assert.equal(found.value.fragment, url.hash.slice(1));
        url.hash = "";
        assert.equal(found.value.url, url.href);
      },
    ),
    { numRuns: 20_000 },
  );
});
