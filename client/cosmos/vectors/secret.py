"""Known answers for Secret's contract cipher, by an implementation that shares no line with ours: Python, `cryptography`."""
import hashlib, hmac, json, sys
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
v = json.load(open(sys.argv[1]))
salt = bytes.fromhex("000000000000000000024bead8df69990852c202db0e0097c1a12ea637d7e96d")
shared = X25519PrivateKey.from_private_bytes(bytes.fromhex(v["private"])).exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(v["node_public"])))
for c in v["vectors"]:
    nonce = bytes.fromhex(c["nonce"])
    prk = hmac.new(salt, shared + nonce, hashlib.sha256).digest()
    key = hmac.new(prk, b"\x01", hashlib.sha256).digest()
    assert key.hex() == c["key"], "key"
    siv = AESSIV(key)
    sealed = nonce + bytes.fromhex(v["public"]) + siv.encrypt((v["code_hash"] + c["message"]).encode(), [b""])
    print(c["kind"], sealed.hex() == c["sealed"])
    print(siv.decrypt(bytes.fromhex(c["sealed_reply"]), [b""]))
