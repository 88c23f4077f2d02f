import type { LimitFunction } from "p-limit";
import { fieldValues, parseMetadata } from "../dists/metadata.ts";
import type { Result } from "../formats/result.ts";
import type { ClientEnvironment } from "./client-environment.ts";
import { guessFile } from "./gateway-guess.ts";
import type { ListedFile, Listings, ProjectListing } from "./gateway-listing.ts";
import { openPool, type Pool } from "./gateway-pool.ts";
import { type Asked, ask, type Prepared } from "./gateway-prepare.ts";
import { stands } from "./gateway-settle.ts";
import type { GatewayWorld } from "./gateway-world.ts";
import { openRecently } from "./recently.ts";
import { type RequirementHint, requirementHint } from "./requirement-hint.ts";

/**
 * Work on files that nobody asked for yet, but that a client will ask for soon because what it
 * asked for needs them. They are fetched and checked, and nothing else: no verdict is reached, no
 * event told, no publisher remembered and no byte served before somebody asks.
 */
export type Ahead = Pick<Pool, "take"> & {
  /** Begins with what the file probably needs, in the background. */
  readonly follow: (
    world: GatewayWorld,
    asked: Asked,
    prepared: Promise<Result<Prepared> | undefined>,
    client: ClientEnvironment,
  ) => void;
};

/** Whether a file may be served as far as its listing tells. */
export type Admit = (
  world: GatewayWorld,
  listing: ProjectListing,
  file: ListedFile,
) => Promise<Result<void>>;

/** Requirements of one file that are looked at. */
const MAX_REQUIREMENTS = 100;
/** Requirements that are looked at in a minute: what strangers write must not make it a crawler. */
const MAX_LOOKED = 2_000;
const MINUTE = 60_000;

/** @param limits - how much is asked of an upstream at once, by its name */
export const openAhead = (
  listings: Listings,
  admit: Admit,
  limits: ReadonlyMap<string, LimitFunction>,
): Ahead => {
  const pool = openPool(limits);
  const looked = openRecently(MAX_LOOKED, MINUTE);
  const guess = async (
    world: GatewayWorld,
    { name, specifier, extras }: RequirementHint,
    client: ClientEnvironment,
  ): Promise<void> => {
    if (!pool.hasRoom()) return;
    const what = JSON.stringify([name, specifier, extras, client]);
    if (!looked.note(what, world.now())) return;
    const listing = await listings(name);
    if (!listing.ok || listing.value.outage !== undefined) return;
    const file = guessFile(listing.value, specifier, client);
    if (file?.live?.sha256 === undefined) return;
    if (!(await admit(world, listing.value, file)).ok) return;
    const kept = await world.state.verdict(name, file.filename);
    if (kept !== undefined && stands(world, kept, file.sha256)) return;
    const asked = ask(listing.value, { ...file.live, sha256: file.live.sha256 });
    await follow(world, asked, pool.begin(world, asked), client, extras);
  };
  const follow = async (
    world: GatewayWorld,
    asked: Asked,
    prepared: Promise<Result<Prepared> | undefined>,
    client: ClientEnvironment,
    extras: readonly string[],
  ): Promise<void> => {
    const hints = (await requirementsOf(asked, prepared))
      .slice(0, MAX_REQUIREMENTS)
      .flatMap((one) => requirementHint(one, client, extras) ?? []);
    await Promise.all(hints.map((hint) => guess(world, hint, client)));
  };
  return {
    take: pool.take,
    follow: (world, asked, prepared, client) => {
      // A guess that fails is no failure: whoever asks for the file is told.
      follow(world, asked, prepared, client, []).catch(() => undefined);
    },
  };
};

/** What the upstream says at once that the file requires, or what the file itself says later. */
const requirementsOf = async (
  { metadata }: Asked,
  prepared: Promise<Result<Prepared> | undefined>,
): Promise<string[]> => {
  const served = await metadata;
  const text = served.ok && served.value !== undefined ? served.value : await ownMetadata(prepared);
  const read = text === undefined ? undefined : parseMetadata(text);
  return read?.ok === true ? fieldValues(read.value, "requires-dist") : [];
};

const ownMetadata = async (
  prepared: Promise<Result<Prepared> | undefined>,
): Promise<Uint8Array | undefined> => {
  const one = await prepared;
  const report = one?.ok === true ? one.value.evaluation.report : undefined;
  return report?.kind === "wheel" ? report.metadataFile : undefined;
};
