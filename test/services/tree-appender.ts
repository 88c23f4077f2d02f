import { generateKey, importPrivateKey } from "../../src/crypto/keys.ts";
import { fromBase64, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { checkpointSigner } from "../../src/services/note-writer.ts";
import { openTreeStore } from "../../src/services/tree-store.ts";

// A program that is killed: it appends from eight clients and prints each answer it gets.
const [path = "", keyText = "", round = ""] = process.argv.slice(2);
const key =
  keyText === "" ? generateKey("ecdsa-p256") : importPrivateKey(unwrap(fromBase64(keyText)));
const signer = checkpointSigner("log.example", "log.example", key);
const store = unwrap(await openTreeStore({ path, signer, now: Date.now }));
process.stdout.write(`opened ${store.head().size}\n`);

const client = async (name: number): Promise<void> => {
  for (let n = 0; ; n += 1) {
    const body = `${round}/${name}/${n}`;
    const { leaf, head } = unwrap(await store.append({ body: utf8(body), keys: [body] }));
    process.stdout.write(
      `${leaf.index} ${body} ${head.size} ${Buffer.from(head.root).toString("hex")}\n`,
    );
  }
};
await Promise.all(Array.from({ length: 8 }, (_, name) => client(name)));
