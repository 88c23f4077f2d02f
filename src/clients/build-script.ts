/**
 * The Python program that drives one build; it runs with the interpreter of the tool environment.
 *
 * It reads one line of JSON from standard input: `source` (a copy it may change), `work` (an empty
 * folder for environments), `out`, `answer` (where to write JSON), `epoch` (seconds since 1970),
 * `reproducible`, and `installing` (variables that only pip may see). It then writes
 * `{"ok": true, …}` or `{"ok": false, "step": …, "message": …}` to `answer`; what backend and pip
 * print goes to its own output.
 *
 * Standard input stays open as a lifeline: when it closes, the whole process group is killed, so
 * that no backend outlives the tool.
 */
export const BUILD_SCRIPT = String.raw`
import gzip, json, os, platform, signal, subprocess, sys, tarfile, threading
from importlib import metadata

lifeline = os.fdopen(os.dup(0), "r", encoding="utf-8")
os.set_inheritable(lifeline.fileno(), False)
null = os.open(os.devnull, os.O_RDONLY)
os.dup2(null, 0)
os.close(null)
request = json.loads(lifeline.readline())


def end_with_parent():
    lifeline.read()
    if os.name == "posix" and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


threading.Thread(target=end_with_parent, daemon=True).start()
os.umask(0o022)

from build import BuildBackendException, BuildException, ProjectBuilder
from build.env import DefaultIsolatedEnv


class Stop(Exception):
    def __init__(self, step, message):
        super().__init__(message)
        self.step = step


def run_hook(command, cwd=None, extra_environ=None):
    subprocess.run(command, cwd=cwd, env={**os.environ, **(extra_environ or {})}, check=True)


def install(environment, requirements):
    if not requirements:
        return
    listed = os.path.join(request["work"], "requirements.txt")
    with open(listed, "w", encoding="utf-8") as file:
        file.write("\n".join(sorted(requirements)))
    command = [
        sys.executable, "-m", "pip", "--python", environment.python_executable, "install",
        "--quiet", "--use-pep517", "--no-warn-script-location", "--no-compile", "--no-input",
        "--disable-pip-version-check", "--requirement", listed,
    ]
    done = subprocess.run(command, env={**os.environ, **request["installing"]})
    if done.returncode != 0:
        raise Stop("environment", "pip could not install " + ", ".join(sorted(requirements)))


class Environments:
    """One isolated environment for each distinct set of requirements."""

    def __init__(self):
        self.made = {}
        self.resolved = {}

    def builder(self, source, kind):
        path = os.path.join(request["work"], "env-" + str(len(self.made)))
        base = frozenset(ProjectBuilder(source).build_system_requires)
        if base not in self.made:
            environment = DefaultIsolatedEnv(path=path).__enter__()
            install(environment, base)
            self.made[base] = environment
        environment = self.made[base]
        builder = ProjectBuilder.from_isolated_env(environment, source, run_hook)
        install(environment, builder.get_requires_for_build(kind))
        for found in metadata.distributions(path=[environment._env_backend.purelib]):
            self.resolved[(found.metadata["Name"], found.version)] = True
        return builder


def settle(path):
    """Rewrites an sdist so that its bytes depend on names, modes and contents only."""
    rewritten = path + ".settled"
    with tarfile.open(path, "r:gz") as old, open(rewritten, "wb") as raw:
        with gzip.GzipFile("", "wb", 9, raw, request["epoch"]) as packed:
            with tarfile.open(None, "w", packed, format=tarfile.PAX_FORMAT) as new:
                for member in old:
                    content = old.extractfile(member) if member.isreg() else None
                    executable = member.isdir() or member.mode & 0o100
                    member.mode = 0o755 if executable else 0o644
                    member.mtime = request["epoch"]
                    member.uid = member.gid = 0
                    member.uname = member.gname = ""
                    member.pax_headers = {}
                    new.addfile(member, content)
    os.replace(rewritten, path)


def unpack(path):
    """Unpacks the sdist just built: one folder, nothing outside it."""
    folder = os.path.join(request["work"], "unpacked")
    with tarfile.open(path, "r:gz") as archive:
        top = {member.name.split("/")[0] for member in archive.getmembers()}
        if len(top) != 1:
            raise Stop("output", "the sdist does not hold exactly one folder")
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
    return os.path.join(folder, top.pop())


def build():
    environments = Environments()
    builder = environments.builder(request["source"], "sdist")
    backend = builder._backend
    requires = sorted(builder.build_system_requires)
    sdist = builder.build("sdist", request["out"])
    if request["reproducible"]:
        settle(sdist)
    wheel = environments.builder(unpack(sdist), "wheel").build("wheel", request["out"])
    resolved = set(environments.resolved)
    for name in ("build", "packaging", "pip", "pyproject_hooks"):
        resolved.add((name, metadata.version(name)))
    return {
        "ok": True,
        "sdist": os.path.basename(sdist),
        "wheel": os.path.basename(wheel),
        "backend": {"name": backend, "requires": requires},
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "platform": platform.platform(),
        },
        "resolved": [{"name": name, "version": version} for name, version in sorted(resolved)],
    }


try:
    answer = build()
except Stop as stop:
    answer = {"ok": False, "step": stop.step, "message": str(stop)}
except BuildBackendException as error:
    answer = {"ok": False, "step": "backend", "message": str(error)}
except (BuildException, tarfile.TarError, OSError) as error:
    answer = {"ok": False, "step": "project", "message": str(error)}
with open(request["answer"] + ".part", "w", encoding="utf-8") as file:
    json.dump(answer, file)
os.replace(request["answer"] + ".part", request["answer"])
sys.stdout.flush()
os._exit(0 if answer["ok"] else 1)
`;
