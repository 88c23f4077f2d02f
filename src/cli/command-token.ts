import { identityFromLocalStack, SIGSTORE_AUDIENCE } from "../clients/identity.ts";
import { failure } from "../formats/result.ts";
import { type Command, refuse } from "./command.ts";
import { readSettings } from "./settings.ts";
import { ensureStack } from "./stack.ts";

/** `wheelseal token`: an id_token from the local issuer, for a stack that is up. */
export const tokenCommand: Command = async (invocation) => {
  const { flags, terminal, files, outside } = invocation;
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const stack = await ensureStack(invocation, settings.value);
  if (!stack.ok) return refuse(invocation, stack.error);
  const text = (name: string) => (typeof flags[name] === "string" ? flags[name] : undefined);
  const ref = text("ref");
  const type = text("ref-type") ?? "branch";
  if (type !== "branch" && type !== "tag") {
    return refuse(invocation, failure("USAGE", "--ref-type must be branch or tag"));
  }
  const job = {
    project_path: text("project") ?? stack.value.project.path,
    ...(ref === undefined ? {} : { ref }),
    ref_type: type,
  } as const;
  const { urls, tokenSecret, close } = stack.value;
  const demand = { audience: text("audience") ?? SIGSTORE_AUDIENCE, now: outside.now };
  const source = identityFromLocalStack(
    { url: urls.gitlab, secret: tokenSecret, job },
    demand,
    outside,
  );
  const token = await source.token();
  await close();
  if (!token.ok) return refuse(invocation, token.error);
  if (flags.json === true) {
    terminal.out(
      JSON.stringify({ ok: true, token: token.value.token.reveal(), san: token.value.san }),
    );
  } else terminal.out(token.value.token.reveal());
  return 0;
};
