// Writes secret.json: `npm install secretjs@1.22.1 && node secret.js > secret.json`. Seed, network key and nonces are fixed.
const Module = require("module");
let nonces = [];
const load = Module._load;
Module._load = function (request, ...rest) {
  if (request === "secure-random") return () => nonces.shift();
  return load.call(this, request, ...rest);
};
const { EncryptionUtilsImpl } = require("secretjs/dist/encryption.js");
const { generateKeyPair } = require("curve25519-js");
const miscreant = require("miscreant");
const hex = (b) => Buffer.from(b).toString("hex");
(async () => {
  const node = generateKeyPair(Uint8Array.from(Array(32).fill(0x11)));
  const seed = Uint8Array.from(Array.from({ length: 32 }, (_, i) => i + 1));
  const utils = new EncryptionUtilsImpl("http://unused", seed);
  utils.consensusIoPubKey = node.public;
  const codeHash = "ab".repeat(32);
  const out = { tool: "secretjs 1.22.1 EncryptionUtilsImpl", seed: hex(seed), private: hex(utils.privkey), public: hex(utils.pubkey), node_public: hex(node.public), code_hash: codeHash, vectors: [] };
  const cases = [
    ["query", { admission: { collection: "07".repeat(16) } }],
    ["execute", { destroy_collection: { collection: "07".repeat(16) } }],
    ["instantiate", {}],
  ];
  const provider = new miscreant.PolyfillCryptoProvider();
  for (const [i, [kind, message]] of cases.entries()) {
    const nonce = Uint8Array.from(Array.from({ length: 32 }, (_, j) => (j * 7 + i * 31 + 3) & 255));
    nonces = [nonce];
    const sealed = await utils.encrypt(codeHash, message);
    const key = await utils.getTxEncryptionKey(nonce);
    const siv = await miscreant.SIV.importKey(key, "AES-SIV", provider);
    const reply = JSON.stringify({ policy: null, n: i });
    const b64 = Buffer.from(reply).toString("base64");
    const sealedReply = await siv.seal(Buffer.from(b64), [new Uint8Array()]);
    const error = JSON.stringify({ generic_err: { msg: "refused" } });
    const sealedError = await siv.seal(Buffer.from(error), [new Uint8Array()]);
    out.vectors.push({ kind, message: JSON.stringify(message), nonce: hex(nonce), key: hex(key), sealed: hex(sealed), reply, sealed_reply: hex(sealedReply), error, sealed_error: hex(sealedError) });
  }
  console.log(JSON.stringify(out, null, 1));
})();
