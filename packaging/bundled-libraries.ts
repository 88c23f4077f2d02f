import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "rolldown";

/** A library whose code is in the bundle. */
export type BundledLibrary = {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, as the library states it. */
  readonly license: string;
  /** The text of its licence file. */
  readonly notice: string;
};

export const SBOM_NAME = "sbom.cdx.json";
export const NOTICES_NAME = "THIRD-PARTY-NOTICES.txt";

/** The library that a module is of, or `undefined` for our own modules. */
const libraryFolder = (module: string): string | undefined =>
  /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1];

const readLibrary = (folder: string): BundledLibrary => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const notice = readdirSync(folder).find((name) => /^licen[cs]e(\.|$)/i.test(name));
  const { name, version, license } = manifest;
  if (typeof name !== "string" || typeof version !== "string" || typeof license !== "string") {
    throw new Error(`${folder}/package.json lacks a name, a version or a licence`);
  }
  const text = notice === undefined ? "" : readFileSync(join(folder, notice), "utf8");
  return { name, version, license, notice: text.trim() };
};

/** The libraries of a bundle's modules, each once, by name. */
const bundledLibraries = (modules: Iterable<string>): BundledLibrary[] => {
  const folders = new Set<string>();
  for (const module of modules) {
    const folder = libraryFolder(module.replaceAll("\\", "/"));
    if (folder !== undefined) folders.add(folder);
  }
  return [...folders].map(readLibrary).sort((a, b) => (purlOf(a) < purlOf(b) ? -1 : 1));
};

const purlOf = ({ name, version }: { name: string; version: string }): string =>
  `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;

const component = (library: BundledLibrary) => ({
  type: "library",
  "bom-ref": purlOf(library),
  name: library.name,
  version: library.version,
  licenses: [{ expression: library.license }],
  purl: purlOf(library),
});

/**
 * A CycloneDX 1.6 document of what the bundle is made of. It names no time, and its serial number
 * comes from its content, so that two builds give the same bytes.
 */
const sbom = (
  tool: { readonly name: string; readonly version: string },
  libraries: readonly BundledLibrary[],
): string => {
  const reference = purlOf(tool);
  const content = {
    metadata: { component: { type: "application", "bom-ref": reference, ...tool } },
    components: libraries.map(component),
    dependencies: [
      { ref: reference, dependsOn: libraries.map(purlOf) },
      ...libraries.map((library) => ({ ref: purlOf(library) })),
    ],
  };
  const digest = createHash("sha256").update(JSON.stringify(content)).digest("hex");
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidFrom(digest)}`,
    version: 1,
    ...content,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
};

/** A UUID of version 8 (RFC 9562), whose bits are ours to choose. */
const uuidFrom = (digest: string): string =>
  [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join("-");

/** The licences of the bundled libraries, as they ask to be passed on. */
const notices = (libraries: readonly BundledLibrary[]): string =>
  libraries
    .map(
      ({ name, version, license, notice }) =>
        `${name} ${version} (${license})\n\n${notice === "" ? "No licence text came with it." : notice}\n`,
    )
    .join(`\n${"-".repeat(80)}\n\n`);

/** Writes the SBOM and the notices beside the bundle. */
export const bundledLibrariesPlugin = (root: string): Plugin => ({
  name: "bundled-libraries",
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((output) =>
      output.type === "chunk" ? output.moduleIds : [],
    );
    const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const libraries = bundledLibraries(modules);
    if (libraries.length === 0) throw new Error("no bundled library was found");
    this.emitFile({
      type: "asset",
      fileName: SBOM_NAME,
      source: sbom({ name, version }, libraries),
    });
    this.emitFile({ type: "asset", fileName: NOTICES_NAME, source: notices(libraries) });
  },
});
