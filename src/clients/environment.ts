/** Variables of the user's environment by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What any program needs to run at all; none of these holds a secret. */
const PLAIN = [
  "PATH",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SYSTEMROOT",
  "COMSPEC",
  "PATHEXT",
  "PYENV_ROOT",
  "PYENV_VERSION",
  "LD_LIBRARY_PATH",
  "DYLD_LIBRARY_PATH",
];

/** Where compilers and backends are told how to build. */
const BUILDING =
  /^(CC|CXX|AR|LD|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS|ARCHFLAGS|PKG_CONFIG_PATH|MACOSX_DEPLOYMENT_TARGET|RUSTFLAGS|CARGO_HOME|RUSTUP_HOME|SETUPTOOLS_SCM_PRETEND_VERSION(_FOR_[A-Z0-9_]+)?|PDM_BUILD_SCM_VERSION)$/;

/** Where pip finds its index, its proxy and its certificates: may hold credentials. */
const INSTALLING =
  /^(PIP_[A-Z0-9_]+|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|XDG_CACHE_HOME|XDG_CONFIG_HOME|XDG_CONFIG_DIRS|NETRC|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|HTTPS?_PROXY|ALL_PROXY|NO_PROXY|https?_proxy|all_proxy|no_proxy)$/;

/** Settings of pip that would defeat an isolated, hashed or targeted installation. */
const DISTURBING =
  /^PIP_(TARGET|PREFIX|ROOT|USER|PYTHON|REQUIRE_VIRTUALENV|REPORT|DRY_RUN|LOG|REQUIREMENT|EDITABLE|NO_DEPS|NO_BUILD_ISOLATION|ISOLATED|QUIET|VERBOSE)$/;

const select = (from: Environment, wanted: (name: string) => boolean): Record<string, string> =>
  Object.fromEntries(
    Object.entries(from).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && wanted(entry[0]),
    ),
  );

/** The environment of a program that is trusted with nothing, such as git or an interpreter. */
export const plainEnvironment = (from: Environment): Record<string, string> =>
  select(from, (name) => PLAIN.includes(name.toUpperCase()));

/**
 * The environment of a build backend: an allow-list, so that no token of the job is in it,
 * whatever its name.
 */
export const buildingEnvironment = (from: Environment): Record<string, string> =>
  select(from, (name) => PLAIN.includes(name.toUpperCase()) || BUILDING.test(name));

/** Those of the user's variables that tell compilers and backends how to build. */
export const buildingVariables = (from: Environment): Record<string, string> =>
  select(from, (name) => BUILDING.test(name));

/** What pip needs beside the plain environment; only pip may see it. */
export const installingEnvironment = (from: Environment): Record<string, string> =>
  select(from, (name) => INSTALLING.test(name) && !DISTURBING.test(name));
