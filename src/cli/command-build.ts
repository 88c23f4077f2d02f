import { resolve } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import { systemBuilder } from "../clients/builder.ts";
import type { PythonWish } from "../clients/python.ts";
import type { MetadataSettings } from "../clients/toml.ts";
import { build } from "../stages/1-build.ts";
import { type Command, refuse } from "./command.ts";
import { progressFor } from "./render-progress.ts";
import { readSettings, type Settings } from "./settings.ts";

/** The Python that was asked for: a version such as `3.12`, or a program. */
export const pythonWish = (settings: Settings): PythonWish => {
  const wanted = settings.text("python");
  const environment = settings.env;
  if (wanted === undefined) return { environment };
  return /^\d+(\.\d+)*$/.test(wanted)
    ? { pythonVersion: wanted, environment }
    : { python: wanted, environment };
};

/** Metadata to set on the copy: only where `--set-metadata` asks for it. */
export const metadataWish = (settings: Settings): MetadataSettings => {
  if (!settings.on("set-metadata")) return {};
  const name = settings.text("name") ?? settings.env.CI_PROJECT_NAME;
  const version = settings.text("version");
  const homepage = settings.text("homepage") ?? settings.env.CI_PROJECT_URL;
  return {
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(homepage === undefined ? {} : { homepage }),
  };
};

/** The output folder: beside the project unless it was given. */
export const outFolder = (settings: Settings, project: string, cwd: string): string => {
  const out = settings.find("out");
  if (out === undefined) return resolve(project, "dist");
  return out.from.startsWith("tool.") ? resolve(project, out.value) : resolve(cwd, out.value);
};

/** `wheelseal build [DIR]` */
export const buildCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files, outside } = invocation;
  const project = resolve(terminal.cwd, operands[0] ?? ".");
  const settings = await readSettings({ flags, env: terminal.env, project, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const progress = progressFor(terminal, ["build"]);
  const record = await build(
    {
      project,
      out: outFolder(settings.value, project, terminal.cwd),
      reproducible: settings.value.on("reproducible"),
      metadata: metadataWish(settings.value),
    },
    {
      builder: systemBuilder(pythonWish(settings.value)),
      files,
      now: outside.now,
      report: progress.report,
      inspect: inspectDistribution,
    },
  );
  progress.close();
  if (!record.ok) return refuse(invocation, record.error);
  if (flags.json === true)
    terminal.out(JSON.stringify({ ok: true, record: record.value }, null, 2));
  else
    for (const made of record.value.distributions)
      terminal.out(`${made.filename}  sha256:${made.sha256}`);
  return 0;
};
