import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "smol-toml";
import { NO_AUTH } from "../../src/clients/credentials.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { readGatewayConfig } from "../../src/consumer/gateway-config.ts";
import { openUpstreams } from "../../src/consumer/upstreams.ts";
import { parseName } from "../../src/dists/name.ts";
import { unwrap } from "../../src/formats/result.ts";
import { outside } from "../stages/sign-support.ts";

const one = (name: string, owns: readonly string[], more: object = {}) => ({
  name,
  index: `https://${name}.test/simple`,
  owns,
  ...more,
});

const ownerOf = (upstreams: readonly object[], name: string): string => {
  const config = unwrap(readGatewayConfig({ upstreams }));
  const opened = openUpstreams(
    config.upstreams.map((upstream) => ({ config: upstream, auth: NO_AUTH })),
    outside,
    systemFiles,
  );
  const owner = opened.ownerOf(unwrap(parseName(name)));
  return owner.ok ? owner.value.config.name : owner.error.code;
};

describe("each name has one owner", () => {
  const upstreams = [
    one("public", ["*", "acme-open"]),
    one("acme", ["acme-*", "Acme"]),
    one("tools", ["acme-tools-*"]),
  ];
  const cases: [string, string][] = [
    ["requests", "public"],
    ["acme", "acme"],
    ["ACME_core", "acme"],
    ["acme-open", "public"],
    ["acme-tools-build", "tools"],
    ["acme-tools", "acme"],
    ["acmecorp", "public"],
  ];
  for (const [name, owner] of cases) {
    test(`${name} is ${owner}'s, in whatever order they are given`, () => {
      assert.equal(ownerOf(upstreams, name), owner);
      assert.equal(ownerOf(upstreams.toReversed(), name), owner);
    });
  }

  test("or none", () => {
    assert.equal(ownerOf([one("acme", ["acme-*"])], "requests"), "GATEWAY_UNOWNED");
  });
});

describe("what is refused", () => {
  const good = one("acme", ["acme"]);
  const cases: [string, object][] = [
    ["a name that two own", { upstreams: [one("a", ["x_y"]), one("b", ["X-Y"])] }],
    ["a beginning that two own", { upstreams: [one("a", ["x-*"]), one("b", ["x-*"])] }],
    ["two that own the rest", { upstreams: [one("a", ["*"]), one("b", ["*"])] }],
    ["two of one name", { upstreams: [one("a", ["x"]), one("a", ["y"])] }],
    ["no upstream", { upstreams: [] }],
    ["a misspelt key", { upstreams: [good], "trust-on-firstuse": true }],
    ["a misspelt key of an upstream", { upstreams: [{ ...good, cooldwn: "7d" }] }],
    ["a mode that there is not", { upstreams: [good], mode: "warn" }],
    ["a time without unit", { upstreams: [good], cooldown: "7" }],
    ["a size without unit", { upstreams: [good], "store-limit": "1000" }],
    ["a size of nothing", { upstreams: [good], "store-limit": "0GB" }],
    ["a size of another spelling", { upstreams: [good], "store-limit": "20 gb" }],
    ["credentials in a URL", { upstreams: [{ ...good, index: "https://u:p@a.test/simple" }] }],
    ["a file as index", { upstreams: [{ ...good, index: "file:///simple" }] }],
    ["a user without password", { upstreams: [{ ...good, username: "u" }] }],
    ["two passwords", { upstreams: [{ ...good, "password-env": "A", "password-file": "b" }] }],
    ["a beginning in upper case", { upstreams: [one("a", ["Acme-*"])] }],
    ["demands that there are not", { upstreams: [{ ...good, demands: "nothing" }] }],
    ["two policies", { upstreams: [good], policy: {}, "policy-file": "p.toml" }],
    ["a retracted version that is none", { upstreams: [good], retracted: ["acme"] }],
  ];
  for (const [name, value] of cases) {
    test(name, () => {
      const read = readGatewayConfig(value);
      assert.equal(read.ok ? "ok" : read.error.code, "CONFIG");
    });
  }
});

test("a GitLab index tells where the signatures are, unless said otherwise", () => {
  const index = "https://gitlab.test/api/v4/projects/7/packages/pypi/simple/";
  const toml = `[[upstreams]]\nname = "a"\nindex = "${index}"\nowns = ["x"]\n`;
  const read = unwrap(readGatewayConfig(parse(toml)));
  assert.equal(
    read.upstreams[0]?.generic,
    "https://gitlab.test/api/v4/projects/7/packages/generic",
  );
  const group = "https://gitlab.test/api/v4/groups/7/-/packages/pypi/simple";
  const upstreams = [{ name: "a", index: group, owns: ["x"], cooldown: "2h" }];
  const other = unwrap(readGatewayConfig({ upstreams, cooldown: "7d" }));
  assert.equal(other.upstreams[0]?.generic, undefined);
  assert.equal(other.upstreams[0]?.cooldown, 2 * 60 * 60 * 1000);
});

test("the limit of the store is a size, in powers of 1000 or 1024", () => {
  const limit = (text: string) =>
    unwrap(readGatewayConfig({ upstreams: [one("a", ["x"])], "store-limit": text })).storeLimit;
  assert.deepEqual(["500kB", "20GB", "3MiB", "1TiB"].map(limit), [
    500_000,
    20e9,
    3 * 2 ** 20,
    2 ** 40,
  ]);
});
