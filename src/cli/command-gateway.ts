import { openGateway } from "../consumer/gateway.ts";
import { AUDIT_FORMATS, formatAudit } from "../consumer/gateway-audit.ts";
import { listenGateway } from "../consumer/gateway-listener.ts";
import type { GatewayEvent } from "../consumer/gateway-state.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { inFrontOf, openGatewayConsole } from "./console-gateway.ts";
import { openGatewayWorld } from "./gateway-setup.ts";
import { openMemory } from "./gateway-state.ts";
import { readSettings } from "./settings.ts";

const readPort = (text: string | boolean | undefined): Result<number> => {
  if (typeof text !== "string") return ok(0);
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port < 65536
    ? ok(port)
    : fail("USAGE", "--port must be a number from 0 to 65535");
};

/** `wheelseal gateway audit`: the audit trail as a document on stdout. */
const audit = async (invocation: Invocation): Promise<number> => {
  const { flags, terminal } = invocation;
  const wanted = flags.format ?? "json";
  const format = AUDIT_FORMATS.find((one) => one === wanted);
  if (format === undefined) {
    return refuse(invocation, fail("USAGE", "--format must be json, csv or sarif").error);
  }
  const state = await openMemory(invocation);
  if (!state.ok) return refuse(invocation, state.error);
  const events: GatewayEvent[] = [];
  for await (const event of state.value.events()) events.push(event);
  await state.value.close();
  terminal.out(formatAudit(format, events));
  return 0;
};

/** `wheelseal gateway --config FILE`: serves verified packages until SIGINT or SIGTERM. */
export const gatewayCommand: Command = async (invocation) => {
  const { flags, terminal, files, operands } = invocation;
  const [action, ...more] = operands;
  if (action === "audit" && more.length === 0) return audit(invocation);
  if (action !== undefined) {
    return refuse(invocation, fail("USAGE", "gateway has one action: audit").error);
  }
  const port = readPort(flags.port);
  if (!port.ok) return refuse(invocation, port.error);
  if (typeof flags.config !== "string") {
    return refuse(
      invocation,
      fail("USAGE", "give the gateway's configuration with --config").error,
    );
  }
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const ended = new Promise<void>((done) => {
    process.once("SIGINT", done);
    process.once("SIGTERM", done);
  });
  const world = await openGatewayWorld(invocation, settings.value, flags.config);
  if (!world.ok) return refuse(invocation, world.error);
  const host = typeof flags.host === "string" ? flags.host : "127.0.0.1";
  const pages = await openGatewayConsole(world.value);
  const gateway = inFrontOf(openGateway(world.value), pages.fetch);
  const listener = await listenGateway(gateway, host, port.value);
  if (!listener.ok) return refuse(invocation, listener.error);
  const index = `${listener.value.url}/simple/`;
  terminal.out(flags.json === true ? JSON.stringify({ ok: true, index, pid: process.pid }) : index);
  await ended;
  await pages.close();
  await listener.value.close();
  await world.value.state.close();
  return 0;
};
