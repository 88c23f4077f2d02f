/**
 * The Python program that imports what was installed; it runs with the interpreter of the fresh
 * environment and is given: the distribution's name, the file for its answer, and optionally the
 * modules to import. Otherwise it imports the top-level modules that RECORD lists, public ones
 * where there are any; a folder without `__init__` is a namespace, and its parts are imported.
 *
 * Answers `{"version", "imported": […], "skipped": [{"module", "missing"}], "failed"?}`. A module
 * that asks for one of somebody else's, while the distribution declares dependencies, is skipped:
 * those were not installed. Any other error is a failure.
 */
export const IMPORT_SCRIPT = String.raw`
import importlib, json, re, sys, traceback
from importlib import metadata
from importlib.machinery import all_suffixes

name, answer_file, *wished = sys.argv[1:]
distribution = metadata.distribution(name)
suffixes = sorted(all_suffixes(), key=len, reverse=True)


def module_of(path):
    parts = path.split("/")
    for suffix in suffixes:
        if parts[-1].endswith(suffix):
            parts[-1] = parts[-1][: -len(suffix)]
            break
    else:
        return None
    if parts[-1] == "__init__":
        parts.pop()
    return tuple(parts) if parts and all(part.isidentifier() for part in parts) else None


def to_import():
    modules = {module_of(str(file)) for file in distribution.files or ()} - {None}
    heads = sorted(m for m in modules if not any(m[:n] in modules for n in range(1, len(m))))
    public = [m for m in heads if not any(part.startswith("_") for part in m)]
    return [".".join(m) for m in public or heads][:20]


def is_own(module, names):
    return any((module + ".").startswith(own.split(".")[0] + ".") for own in names)


modules = wished or to_import()
depends = [r for r in distribution.requires or () if not re.search(r";.*\bextra\b", r)]
answer = {"version": distribution.version, "imported": [], "skipped": []}
for module in modules:
    try:
        importlib.import_module(module)
        answer["imported"].append(module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if not depends or is_own(missing, modules):
            traceback.print_exc()
            answer["failed"] = {"module": module, "message": repr(error)}
            break
        answer["skipped"].append({"module": module, "missing": missing})
    except BaseException as error:
        traceback.print_exc()
        answer["failed"] = {"module": module, "message": repr(error)[:500]}
        break
with open(answer_file, "w", encoding="utf-8") as file:
    json.dump(answer, file)
`;
