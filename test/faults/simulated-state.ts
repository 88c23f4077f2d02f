import { utf8 } from "../../src/formats/bytes.ts";
import { openState, type State } from "../../src/services/state.ts";
import { PowerLoss, SOUND } from "./disk.ts";
import { sabotaged } from "./sabotage.ts";
import { type Counts, holds, type Life, type Simulated, type World } from "./simulation.ts";

const KEPT = ["secret", "ca.key.pem", "tuf/1.root.json", "tuf/2.root.json"];
const REPLACED = ["port", "tuf/timestamp.json", "trust/trusted_root.json"];

const begin = (world: World, counts: Counts): Life => {
  const { chance, disk, sabotage } = world;
  const kept = new Map<string, string>();
  /** The last content that was answered, and those that were tried since. */
  const replaced = new Map<string, string[]>();
  let made = 0;

  const check = async (state: State): Promise<void> => {
    for (const [name, content] of kept) {
      const now = await state.keep(name, () => utf8("another"));
      if (disk.isOff()) return;
      if (!now.ok && now.error.code === "FILE_UNWRITABLE" && disk.fails()) return;
      holds(now.ok, `${name} was kept, and now: ${now.ok ? "" : now.error.message}`);
      if (now.ok) holds(Buffer.from(now.value).toString() === content, `${name} was exchanged`);
    }
    for (const [name, contents] of replaced) {
      const now = Buffer.from((await state.read(name)) ?? []).toString();
      holds(contents.includes(now), `${name} holds neither what it held nor what was written`);
    }
  };

  const keep = async (state: State): Promise<void> => {
    const name = KEPT[chance(KEPT.length)] ?? "";
    made += 1;
    const result = await state.keep(name, () => utf8(`kept ${made}`));
    if (disk.isOff()) return;
    const unwritable = !result.ok && result.error.code === "FILE_UNWRITABLE";
    holds(result.ok || (unwritable && disk.fails()), `${name}: ${JSON.stringify(result)}`);
    if (!result.ok) return;
    const content = Buffer.from(result.value).toString();
    holds((kept.get(name) ?? content) === content, `${name} was exchanged`);
    kept.set(name, content);
    counts.answers += 1;
  };

  const replace = async (state: State): Promise<void> => {
    const name = REPLACED[chance(REPLACED.length)] ?? "";
    made += 1;
    const content = `written ${made}`;
    replaced.set(name, [...(replaced.get(name) ?? [""]), content]);
    const result = await state.write(name, utf8(content));
    if (disk.isOff() || !result.ok) return;
    replaced.set(name, [content]);
    counts.answers += 1;
  };

  const live = async (rounds: number): Promise<"lived"> => {
    const opened = await openState(disk.folder(), sabotaged(disk.storage(), sabotage)).catch(
      (error: unknown) => {
        if (error instanceof PowerLoss) return undefined;
        throw error;
      },
    );
    if (opened === undefined || disk.isOff()) {
      if (opened?.ok) await opened.value.close();
      return "lived";
    }
    const told = !opened.ok && opened.error.code === "FILE_UNWRITABLE" && disk.fails();
    if (told) return "lived";
    holds(opened.ok, `the state does not open: ${opened.ok ? "" : opened.error.message}`);
    if (!opened.ok) return "lived";
    const state = opened.value;
    try {
      await check(state);
      for (let round = 0; round < rounds && !disk.isOff(); round += 1) {
        await (chance(2) === 0 ? keep(state) : replace(state));
      }
    } finally {
      await state.close();
    }
    return "lived";
  };
  return { live };
};

/** The state folder: keys that are never exchanged, and files that are replaced whole. */
export const simulatedState: Simulated = {
  name: "state",
  faults: [SOUND, SOUND, { ...SOUND, full: 10 }, { ...SOUND, broken: 10 }],
  begin,
};
