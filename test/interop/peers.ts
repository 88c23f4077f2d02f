/** Where a peer comes from. Versions are exact, except of what the machine itself has. */
export type Source =
  | { readonly kind: "python"; readonly requirement: string; readonly program: string }
  | { readonly kind: "npm"; readonly package: string }
  | { readonly kind: "go"; readonly module: string; readonly packages: readonly string[] }
  | { readonly kind: "machine"; readonly program: string; readonly debian: string };

/** A program that others wrote. */
export type Peer = {
  /** As it names itself. */
  readonly name: string;
  /** Absent for a program of the machine. */
  readonly version?: string;
  readonly source: Source;
};

const python = (name: string, version: string, program: string = name): Peer => ({
  name,
  version,
  source: { kind: "python", requirement: `${name}==${version}`, program },
});

const npm = (name: string, version: string): Peer => ({
  name,
  version,
  source: { kind: "npm", package: name },
});

const go = (name: string, version: string, module: string, ...packages: string[]): Peer => ({
  name,
  version,
  source: { kind: "go", module, packages },
});

const machine = (program: string, debian: string = program): Peer => ({
  name: program,
  source: { kind: "machine", program, debian },
});

const COSIGN = "github.com/sigstore/cosign";

/** All peers; Go's are built in this order, the cheapest and most telling first. */
export const PEERS = {
  sigstore: python("sigstore", "4.5.1"),
  tuf: python("tuf", "7.0.1", "python"),
  "pypi-attestations": python("pypi-attestations", "0.0.30"),
  twine: python("twine", "7.0.0"),
  uv: python("uv", "0.13.9"),
  pip: python("pip", "26.3"),
  build: python("build", "1.6.1", "pyproject-build"),
  pypiserver: python("pypiserver", "2.4.2", "pypi-server"),
  "devpi-server": python("devpi-server", "6.20.3"),
  curl: machine("curl"),
  rsync: machine("rsync"),
  buildah: machine("buildah"),
  mariadb: machine("mariadbd", "mariadb-server"),
  "@sigstore/sign": npm("@sigstore/sign", "5.1.0"),
  "@sigstore/verify": npm("@sigstore/verify", "4.1.3"),
  "tuf-js": npm("tuf-js", "6.0.2"),
  "gitlab-ci-local": npm("gitlab-ci-local", "4.75.1"),
  "cosign-2.2": go("cosign", "2.2.3", `${COSIGN}/v2`, "cmd/cosign"),
  "rekor-cli": go("rekor-cli", "1.5.4", "github.com/sigstore/rekor", "cmd/rekor-cli"),
  "sigstore-go": go(
    "sigstore-go",
    "1.3.0",
    "github.com/sigstore/sigstore-go",
    "examples/sigstore-go-verification",
    "examples/sigstore-go-signing",
  ),
  "rekor-tiles": go(
    "rekor-tiles",
    "2.3.0",
    "github.com/sigstore/rekor-tiles/v2",
    "cmd/rekor-server/posix",
  ),
  "cosign-2.6": go("cosign", "2.6.5", `${COSIGN}/v2`, "cmd/cosign"),
  "cosign-3.1": go("cosign", "3.1.3", `${COSIGN}/v3`, "cmd/cosign"),
  "timestamp-server": go(
    "timestamp-server",
    "2.1.3",
    "github.com/sigstore/timestamp-authority/v2",
    "cmd/timestamp-server",
  ),
  "rekor-server": go("rekor-server", "1.5.4", "github.com/sigstore/rekor", "cmd/rekor-server"),
  fulcio: go("fulcio", "1.8.8", "github.com/sigstore/fulcio", ""),
  trillian: go(
    "trillian",
    "1.8.0",
    "github.com/google/trillian",
    "cmd/trillian_log_server",
    "cmd/trillian_log_signer",
    "cmd/createtree",
  ),
  ct_server: go(
    "ct_server",
    "1.4.0",
    "github.com/google/certificate-transparency-go",
    "trillian/ctfe/ct_server",
  ),
} as const satisfies Record<string, Peer>;

export type PeerId = keyof typeof PEERS;

export const peer = (id: PeerId): Peer => PEERS[id];

/** What `go install` calls the program of a package: a module's own is called as the module. */
export const programOf = (source: { readonly module: string }, path: string): string =>
  (path === "" ? source.module : path).split("/").at(-1) ?? "";
