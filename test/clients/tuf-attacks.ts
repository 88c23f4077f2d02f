import { utf8 } from "../../src/formats/bytes.ts";
import { tufKey } from "../../src/services/tuf-keys.ts";
import { signRoot } from "../../src/services/tuf-metadata.ts";
import {
  DAY,
  type Loose,
  looseDocument,
  type Mirror,
  newTufKeys,
  openMirror,
  signLoose,
} from "./tuf-mirror.ts";

export type Attack = {
  readonly name: string;
  readonly code: string;
  /** Before the attack the client saw version 2 of everything, unless this is true. */
  readonly fresh?: boolean;
  /** Where we refuse what the specification leaves to a client. */
  readonly stricter?: boolean;
  readonly attack: (mirror: Mirror) => void;
};

/** Lets the owner of `keys` publish a document that no honest tool would make. */
const edit = (
  mirror: Mirror,
  path: string,
  role: "root" | "targets" | "snapshot" | "timestamp",
  change: (signed: Loose) => void,
): void => {
  const { signed } = looseDocument(mirror.files.get(path));
  change(signed);
  mirror.files.set(path, signLoose(signed, mirror.keys[role]));
};

const withoutHashes = (mirror: Mirror, version: number): void => {
  edit(mirror, `${version}.snapshot.json`, "snapshot", (signed) => {
    signed.meta["targets.json"] = { version: signed.meta["targets.json"].version };
  });
  edit(mirror, "timestamp.json", "timestamp", (signed) => {
    signed.meta["snapshot.json"] = { version: signed.meta["snapshot.json"].version };
  });
};

/** A version whose parts are not bound by digests, so that one part can be exchanged. */
const publishLoose = (mirror: Mirror, version: number): void => {
  mirror.publish({ version });
  withoutHashes(mirror, version);
};

export const target = (mirror: Mirror): string =>
  [...mirror.files.keys()].find((path) => path.endsWith(".trusted_root.json"))!;

export const rootAt = (
  mirror: Mirror,
  version: number,
  signers = mirror.keys.root,
  keys = newTufKeys(),
) => signRoot({ version, expires: Date.now() + DAY }, keys, signers).bytes;

export const ATTACKS: readonly Attack[] = [
  {
    name: "rollback of the timestamp",
    code: "TUF_ROLLBACK",
    attack: (mirror) => mirror.publish({ version: 1 }),
  },
  {
    name: "rollback of the snapshot in a new timestamp",
    code: "TUF_ROLLBACK",
    attack: (mirror) => {
      publishLoose(mirror, 3);
      edit(mirror, "timestamp.json", "timestamp", (signed) => {
        signed.meta["snapshot.json"].version = 1;
      });
    },
  },
  {
    name: "rollback of the targets in a new snapshot",
    code: "TUF_ROLLBACK",
    attack: (mirror) => {
      publishLoose(mirror, 3);
      edit(mirror, "3.snapshot.json", "snapshot", (signed) => {
        signed.meta["targets.json"].version = 1;
      });
    },
  },
  {
    name: "rollback of the root under a new name",
    code: "TUF_ROLLBACK",
    attack: (mirror) => mirror.files.set("2.root.json", mirror.firstRoot),
  },
  ...(["timestamp", "snapshot", "targets"] as const).map(
    (role): Attack => ({
      name: `freeze: an expired ${role}`,
      code: "TRUST_EXPIRED",
      attack: (mirror) => mirror.publish({ version: 3, life: { [role]: -DAY } }),
    }),
  ),
  {
    name: "freeze: an expired root at the end of the chain",
    code: "TRUST_EXPIRED",
    attack: (mirror) => {
      const expires = Date.now() - DAY;
      const root = signRoot({ version: 2, expires }, mirror.keys, mirror.keys.root);
      mirror.files.set("2.root.json", root.bytes);
    },
  },
  {
    name: "targets signed by one of the two keys",
    code: "TUF_INVALID",
    attack: (mirror) => {
      const { keys } = mirror;
      mirror.publish({ version: 3, keys: { ...keys, targets: keys.targets.slice(1) } });
    },
  },
  {
    name: "a timestamp signed by another key",
    code: "TUF_INVALID",
    attack: (mirror) =>
      mirror.publish({ version: 3, keys: { ...mirror.keys, timestamp: newTufKeys().timestamp } }),
  },
  {
    name: "a new root signed by one of the two old keys",
    code: "TUF_INVALID",
    attack: (mirror) =>
      mirror.files.set("2.root.json", rootAt(mirror, 2, mirror.keys.root.slice(1))),
  },
  {
    name: "a new root that its own keys did not sign",
    code: "TUF_INVALID",
    attack: (mirror) => {
      const { signed } = looseDocument(rootAt(mirror, 2));
      mirror.files.set("2.root.json", signLoose(signed, mirror.keys.root));
    },
  },
  {
    name: "a gap in the chain of roots",
    code: "TUF_INVALID",
    attack: (mirror) => mirror.files.set("2.root.json", rootAt(mirror, 3)),
  },
  {
    name: "one signature twice, under one key id",
    code: "TUF_INVALID",
    attack: (mirror) => {
      mirror.publish({ version: 3 });
      const [key] = mirror.keys.targets;
      const { signed } = looseDocument(mirror.files.get("3.targets.json"));
      mirror.files.set("3.targets.json", signLoose(signed, [key!, key!]));
      withoutHashes(mirror, 3);
    },
  },
  {
    name: "one key under two key ids",
    code: "TUF_INVALID",
    stricter: true,
    attack: (mirror) => {
      const { signed } = looseDocument(
        signRoot({ version: 2, expires: Date.now() + DAY }, mirror.keys, []).bytes,
      );
      const [key] = mirror.keys.targets;
      const { keyID } = tufKey(key!.publicKey);
      const other = keyID.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
      signed.keys[other] = signed.keys[keyID];
      signed.roles.targets.keyids = [keyID, other];
      mirror.files.set("2.root.json", signLoose(signed, mirror.keys.root));
      publishLoose(mirror, 3);
      const targets = looseDocument(mirror.files.get("3.targets.json"));
      const one = targets.signatures.find((each: Loose) => each.keyid === keyID);
      targets.signatures = [one, { ...one, keyid: other }];
      mirror.files.set("3.targets.json", utf8(JSON.stringify(targets)));
    },
  },
  {
    name: "a threshold of nothing",
    code: "TUF_INVALID",
    attack: (mirror) => {
      const { signed } = looseDocument(
        signRoot({ version: 2, expires: Date.now() + DAY }, mirror.keys, []).bytes,
      );
      signed.roles.timestamp.threshold = 0;
      mirror.files.set("2.root.json", signLoose(signed, mirror.keys.root));
    },
  },
  {
    name: "another file than the target",
    code: "TUF_INVALID",
    attack: (mirror) => {
      mirror.files.set(target(mirror), utf8('{"trusted":"toor"}'));
    },
  },
  {
    name: "a target of another length",
    code: "TUF_INVALID",
    attack: (mirror) => {
      mirror.files.set(target(mirror), utf8('{"trusted":"root"}\n'));
    },
  },
  {
    name: "a target of endless length",
    code: "TUF_INVALID",
    fresh: true,
    attack: (mirror) => {
      mirror.files.set(target(mirror), new Uint8Array(1024 * 1024));
    },
  },
  {
    name: "a target said to be huge",
    code: "TUF_INVALID",
    attack: (mirror) => {
      publishLoose(mirror, 3);
      edit(mirror, "3.targets.json", "targets", (signed) => {
        signed.targets["trusted_root.json"].length = 2 ** 40;
      });
    },
  },
  {
    name: "a target without digests",
    code: "TUF_INVALID",
    attack: (mirror) => {
      publishLoose(mirror, 3);
      edit(mirror, "3.targets.json", "targets", (signed) => {
        signed.targets["trusted_root.json"].hashes = {};
      });
    },
  },
  {
    name: "a target whose name climbs out",
    code: "TUF_INVALID",
    stricter: true,
    attack: (mirror) => {
      const targets = new Map([...mirror.targets, ["../evil", { content: utf8("evil") }]] as const);
      mirror.publish({ version: 3, targets });
    },
  },
  {
    name: "no trusted root among the targets",
    code: "TUF_INVALID",
    attack: (mirror) => mirror.publish({ version: 3, targets: new Map() }),
  },
  {
    name: "a snapshot other than the one that the timestamp names",
    code: "TUF_INVALID",
    attack: (mirror) => {
      mirror.publish({ version: 3 });
      edit(mirror, "3.snapshot.json", "snapshot", (signed) => {
        signed.expires = "2099-01-01T00:00:00Z";
      });
    },
  },
  {
    name: "a timestamp of endless length",
    code: "TUF_INVALID",
    attack: (mirror) => {
      const padded = new Uint8Array(20_000).fill(0x20);
      padded.set(mirror.files.get("timestamp.json")!);
      mirror.files.set("timestamp.json", padded);
    },
  },
  {
    name: "something that is no metadata",
    code: "TUF_INVALID",
    attack: (mirror) => mirror.files.set("timestamp.json", utf8("<html>Please log in</html>")),
  },
  {
    name: "a repository that follows from another first root",
    code: "TUF_INVALID",
    fresh: true,
    attack: (mirror) => {
      for (const [path, bytes] of openMirror().files) mirror.files.set(path, bytes);
    },
  },
  {
    name: "a repository without a timestamp",
    code: "NETWORK_RESPONSE",
    attack: (mirror) => mirror.files.delete("timestamp.json"),
  },
];
