import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { parseSimpleHtml } from "../../src/clients/simple-html.ts";
import { parseSimpleJson } from "../../src/clients/simple-json.ts";
import { parseToml } from "../../src/clients/toml.ts";
import { parseScripts } from "../../src/dists/entry-points.ts";
import { parseDistributionFilename, sameFilename } from "../../src/dists/filename.ts";
import { DEFAULT_LIMITS } from "../../src/dists/finding.ts";
import { parseMemberPath } from "../../src/dists/member-path.ts";
import { parseMetadata } from "../../src/dists/metadata.ts";
import { parseName } from "../../src/dists/name.ts";
import { parsePax } from "../../src/dists/pax.ts";
import { parseRecord } from "../../src/dists/record.ts";
import { checkSdist } from "../../src/dists/sdist.ts";
import { parseVersion } from "../../src/dists/version.ts";
import { checkWheel } from "../../src/dists/wheel.ts";
import { parseWheelFile } from "../../src/dists/wheel-file.ts";
import { readZip } from "../../src/dists/zip.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import {
  honestMembers,
  inPieces,
  longName,
  paxRecords,
  SDIST_NAME,
  writeTar,
} from "../dists/tar-writer.ts";
import { DIST_INFO, honestFiles, recordOf, WHEEL_NAME, writeWheel } from "../dists/wheel-writer.ts";
import { memoryAccess, writeZip } from "../dists/zip-writer.ts";
import { ofText, type Target, target } from "./target.ts";

const NAME = unwrap(parseName("demo-pkg"));
const PAGE = "https://index.example/simple/demo-pkg/";
const URL = `https://files.example/${WHEEL_NAME}`;
const FILE = {
  filename: WHEEL_NAME,
  url: URL,
  hashes: { sha256: "0".repeat(64) },
  "requires-python": ">=3.10",
  yanked: false,
  "core-metadata": { sha256: "1".repeat(64) },
};

const tars = [
  writeTar(honestMembers),
  writeTar([longName("demo_pkg-1.0/x"), ...honestMembers]),
].map((tar) => new Uint8Array(tar));

const checkTar = (bytes: Uint8Array) =>
  checkSdist(SDIST_NAME, inPieces(bytes, 4096), nodeInflateRaw);

const isPlainFilename = (filename: string): void => {
  assert.ok(!/[/\\]/.test(filename) && !filename.includes("\0") && !/^\.{0,2}$/.test(filename));
};

export const DISTS: readonly Target[] = [
  target(
    "file name",
    [utf8(WHEEL_NAME), utf8(SDIST_NAME), utf8("a-1.0-1-cp310.cp311-abi3-any.whl")],
    ofText(parseDistributionFilename),
    ({ filename }, input) => {
      assert.equal(filename, new TextDecoder("utf-8", { ignoreBOM: true }).decode(input));
      assert.ok(sameFilename(filename, filename));
      isPlainFilename(filename);
    },
  ),
  target(
    "version",
    [utf8("1.0"), utf8("1!2.0.post1.dev3+local.1")],
    ofText(parseVersion),
    (version) => assert.equal(unwrap(parseVersion(version)), version),
  ),
  target("name", [utf8("Demo.Pkg")], ofText(parseName), (name) =>
    assert.equal(unwrap(parseName(name)), name),
  ),
  target(
    "metadata",
    [
      utf8(honestFiles[`${DIST_INFO}/METADATA`]!),
      utf8("Metadata-Version: 2.1\nName: a\nVersion: 1\nClassifier: x\n y\n\nBody\n"),
    ],
    parseMetadata,
  ),
  target("record", [utf8(recordOf(honestFiles))], (input) =>
    parseRecord(input, `${DIST_INFO}/RECORD`),
  ),
  target("wheel file", [utf8(honestFiles[`${DIST_INFO}/WHEEL`]!)], parseWheelFile),
  target("entry points", [utf8("[console_scripts]\na = b:c\n[x.y]\nd = e\n")], parseScripts),
  target("member path", [utf8("a/b.py"), utf8("demo_pkg-1.0/x")], ofText(parseMemberPath), (path) =>
    assert.ok(!path.split("/").some((part) => part === ".." || part === "")),
  ),
  target("pax records", [utf8(paxRecords({ path: "a", size: "3" }))], parsePax),
  target(
    "zip",
    [
      writeZip([
        { name: "a.txt", content: "aaaa" },
        { name: "b/c.txt", content: "content" },
      ]),
      writeWheel(),
    ],
    (input) => readZip(memoryAccess(input), DEFAULT_LIMITS),
    (entries) => assert.equal(new Set(entries.map(({ path }) => path)).size, entries.length),
  ),
  target("wheel", [writeWheel()], (input) =>
    checkWheel(WHEEL_NAME, memoryAccess(input), nodeInflateRaw),
  ),
  target("tar", tars, (input) => checkTar(new Uint8Array(gzipSync(input, { level: 0 })))),
  target(
    "sdist",
    tars.map((tar) => new Uint8Array(gzipSync(tar))),
    checkTar,
  ),
  target(
    "index page in JSON",
    [utf8(JSON.stringify({ meta: { "api-version": "1.1" }, name: "demo-pkg", files: [FILE] }))],
    (input) => parseSimpleJson(NAME, input, PAGE),
    (files) => files.forEach((file) => void isPlainFilename(file.filename)),
  ),
  target(
    "index page in HTML",
    [
      utf8(
        `<!DOCTYPE html><body><a href="${URL}#sha256=${"0".repeat(64)}" data-yanked="x" data-core-metadata="true">a</a>`,
      ),
    ],
    (input) => parseSimpleHtml(NAME, input, PAGE),
    (files) => files.forEach((file) => void isPlainFilename(file.filename)),
  ),
  target(
    "toml",
    [utf8('[project]\nname = "a"\nversion = "1"\n[tool.x]\ny = [1, {z = 2020-01-01}]\n')],
    ofText((text) => parseToml(text, "pyproject.toml")),
  ),
];
