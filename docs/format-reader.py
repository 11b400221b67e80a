#!/usr/bin/env python3
"""Reads a pitr repository with nothing but docs/format.md, python3-cryptography and the zstd command.

  format-reader.py REPOSITORY IDENTITY.pem open KEY                     one sealed object, opened, to stdout
  format-reader.py REPOSITORY IDENTITY.pem manifest SERVICE BACKUP      the manifest's lines, checked, to stdout
  format-reader.py REPOSITORY IDENTITY.pem extract SERVICE BACKUP PATH  one file of a backup to stdout
  format-reader.py REPOSITORY IDENTITY.pem dumps SERVICE                a line for each dump and stream
  format-reader.py REPOSITORY IDENTITY.pem dump-verify SERVICE DUMP     reads and checks all of a dump
  format-reader.py REPOSITORY IDENTITY.pem dump SERVICE DUMP STREAM     one stream of a dump to stdout, checked as it goes
  format-reader.py REPOSITORY IDENTITY.pem unpack SERVICE DUMP STREAM DIRECTORY
                                                                        one of format pg_dump-directory into a new directory, for pg_restore

An encrypted identity takes its passphrase from $PITR_PASSPHRASE. IDENTITY may be "-": then that passphrase opens the data keys themselves.
"""
import base64, glob, hashlib, hmac, json, os, re, struct, subprocess, sys
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

HEADER = struct.Struct("<8s4B4x16s32s16sqqq")  # 104 bytes
KINDS = ["stream", "wal", "pack", "manifest"]


def extract(salt, key):
    return hmac.digest(salt or bytes(32), key, "sha256")


def expand(key, info, length):
    out, block = b"", b""
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([len(out) // 32 + 1]), "sha256")
        out += block
    return out[:length]


def hpke_open(private, enc, info, aad, ciphertext):
    """RFC 9180 base mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM."""
    kem, hpke = b"HPKE-v1KEM\x00\x10", b"HPKE-v1HPKE\x00\x10\x00\x01\x00\x02"
    labeled = lambda suite, key, label, data, n: expand(key, n.to_bytes(2, "big") + suite + label + data, n)
    own = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    dh = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), enc))
    shared = labeled(kem, extract(b"", kem + b"eae_prk" + dh), b"shared_secret", enc + own, 32)
    context = b"\0" + extract(b"", hpke + b"psk_id_hash") + extract(b"", hpke + b"info_hash" + info)
    secret = extract(shared, hpke + b"secret")
    nonce = labeled(hpke, secret, b"base_nonce", context, 12)
    return AESGCM(labeled(hpke, secret, b"key", context, 32)).decrypt(nonce, ciphertext, aad)


class Repository:
    def __init__(self, root, identity, passphrase):
        self.root, self.passphrase, self.keys, self.private = root, passphrase, {}, None
        if identity != "-":
            pem = open(identity, "rb").read()
            self.private = load_pem_private_key(pem, passphrase if b"ENCRYPTED" in pem else None)
            spki = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            self.recipient = hashlib.sha256(spki).hexdigest()[:32]
        if self.json("repository.json")["format"] != 1:
            sys.exit("repository has a newer format")

    def read(self, key, offset=0, length=-1):
        with open(os.path.join(self.root, key), "rb") as file:
            file.seek(offset)
            return file.read(length)

    def json(self, key):
        return json.loads(self.read(key))

    def data_key(self, key_id):
        if key_id not in self.keys:
            name = key_id.hex() + ".json"
            paths = ["keys/" + name] + glob.glob("services/*/keys/" + name, root_dir=self.root)
            document = self.json(next(path for path in paths if os.path.exists(os.path.join(self.root, path))))
            for wrap in document["wraps"]:
                field = lambda name: base64.b64decode(wrap[name])
                if wrap["scheme"] == "hpke-p256-sha256-aes256gcm" and self.private and wrap["recipient"] == self.recipient:
                    self.keys[key_id] = hpke_open(self.private, field("enc"), b"pitr/data-key/v1", key_id, field("ciphertext"))
                elif wrap["scheme"] == "pbkdf2-hmac-sha512-aes256gcm" and not self.private:
                    kek = hashlib.pbkdf2_hmac("sha512", self.passphrase, field("salt"), wrap["iterations"], 32)
                    self.keys[key_id] = AESGCM(kek).decrypt(field("nonce"), field("ciphertext"), key_id)
        return self.keys[key_id]

    def object(self, header, expected):
        """Cipher and fields of the object that begins with this header."""
        magic, version, codec, kind, chunk_log2, key_id, salt, _, length, _, _ = HEADER.unpack(header)
        if magic != b"PITRSEAL" or version != 1 or codec > 1 or header[12:16] != bytes(4) or expected not in (None, KINDS[kind]):
            sys.exit("not a sealed object of a known version and the expected kind")
        return AESGCM(expand(extract(salt, self.data_key(key_id)), b"pitr/object/v1", 32)), codec, 1 << chunk_log2, length

    def open(self, key, expected=None):
        data = self.read(key)
        header, body, content = data[:104], data[104:], b""
        cipher, codec, chunk, length = self.object(header, expected)
        count = max(1, -(-len(body) // (chunk + 16)))
        for i in range(count):
            nonce = i.to_bytes(11, "big") + bytes([i == count - 1])
            content += cipher.decrypt(nonce, body[i * (chunk + 16):(i + 1) * (chunk + 16)], header)
        content = decompress(content) if codec else content
        if length not in (0, len(content)):
            sys.exit("length differs from the header's")
        return content

    def manifest(self, service, backup):
        text = self.open(f"services/{service}/backups/{backup}/manifest", "manifest").decode()
        lines = [json.loads(line) for line in text.splitlines()]
        packs = [line for line in lines if line["type"] == "pack"]
        if lines[0]["type"] != "header" or lines[0]["format"] != 1 or lines[-1]["type"] != "end":
            sys.exit("manifest is not whole or has a newer format")
        if lines[-1]["packs"] != len(packs) or lines[-1]["entries"] != len(lines) - len(packs) - 2:
            sys.exit("manifest's counts differ from its end line's")
        return lines

    def extract(self, service, backup, path, out):
        lines = self.manifest(service, backup)
        packs = {line["index"]: f"services/{service}/packs/{line['backup-id']}/{line['number']:06}" for line in lines if line["type"] == "pack"}
        sums = {line["index"]: line["sha256"] for line in lines if line["type"] == "pack"}
        entry = next(line for line in lines if line["type"] == "file" and line["path"] == path)
        for run in entry["runs"]:
            if len(run) == 1:
                out.write(bytes(run[0]))
                continue
            length, pack, record, offset, stored, begin = run
            if pack in sums and hashlib.sha256(self.read(packs[pack], 0, -1)).hexdigest() != sums.pop(pack):
                raise ValueError(f"{packs[pack]} is not the pack that was stored")
            header = self.read(packs[pack], 0, 104)
            cipher, codec, _, _ = self.object(header, "pack")
            nonce = record.to_bytes(11, "big") + b"\2"
            content = cipher.decrypt(nonce, self.read(packs[pack], offset, stored), header + record.to_bytes(4, "little"))
            out.write((decompress(content) if codec else content)[begin:begin + length])

    def dumps(self, service):
        """Entries of the dumps that are complete, oldest first."""
        for path in sorted(glob.glob(f"services/{glob.escape(service)}/dumps/*/dump.json", root_dir=self.root)):
            yield self.dump_entry(service, path.split("/")[-2])

    def dump_entry(self, service, dump):
        document = self.read(f"services/{service}/dumps/{dump}/dump.json")
        body, _, digest = document.rpartition(b',\n  "sha256": "')
        if body and hashlib.sha256(body).hexdigest().encode() != digest[:64]:
            sys.exit(f"dump.json of {dump} was changed since it was written")
        return self.own(json.loads(document), service, dump, "dump.json")

    def dump_manifest(self, service, dump):
        return self.own(json.loads(self.open(f"services/{service}/dumps/{dump}/manifest", "manifest")), service, dump, "manifest")

    def own(self, document, service, dump, what):
        if (document["format"], document["service"], document["id"]) != (1, service, dump):
            sys.exit(f"{what} of {dump} is that of {document['service']} {document['id']}, or has a newer format")
        return document

    def dump(self, service, dump, name, out):
        """Writes a stream. Where its parts lie, and what they are, the sealed manifest says."""
        manifest = self.dump_manifest(service, dump)
        stream = next((stream for stream in manifest["streams"] if stream["name"] == name), None)
        if stream is None:
            sys.exit(f"dump {dump} has no stream {name}")
        digest, length = hashlib.sha256(), 0
        for number in range(stream["first-part"], stream["first-part"] + stream["part-count"]):
            part, key = manifest["parts"][number], f"services/{service}/dumps/{dump}/{number:06}"
            stored = self.read(key)
            if (len(stored), hashlib.sha256(stored).hexdigest()) != (part["size"], part["sha256"]):
                sys.exit(f"{key} is not the part that was stored")
            content = self.open(key, "stream")
            digest.update(content)
            length += len(content)
            out.write(content)
        if (length, digest.hexdigest()) != (stream["bytes"], stream["sha256"]):
            sys.exit(f"stream {name} of dump {dump} is not what its tool wrote")

    def unpack(self, service, dump, name, directory):
        """Writes the files of a stream of format pg_dump-directory."""
        os.mkdir(directory, 0o700)
        files = DirectoryFiles(directory)
        self.dump(service, dump, name, files)
        if not files.complete:
            sys.exit(f"stream {name} of dump {dump} has no end")

    def dump_verify(self, service, dump):
        entry, manifest = self.dump_entry(service, dump), self.dump_manifest(service, dump)
        for member in ("kind", "product", "server-version", "streams", "parts"):
            if entry[member] != manifest[member]:
                sys.exit(f"dump.json of {dump} has other {member} than the manifest")
        prefix = f"services/{service}/dumps/{dump}/"
        named = {prefix + f"{i:06}": part for i, part in enumerate(entry["parts"])} | {prefix + "manifest": entry["manifest"], prefix + "SHA256SUMS": entry["sums"]}
        for key, item in named.items():
            if (item["key"], item["size"], item["sha256"]) != (key, len(self.read(key)), hashlib.sha256(self.read(key)).hexdigest()):
                sys.exit(f"{key} is not the object that dump.json names")
        for path in glob.glob(glob.escape(prefix) + "*", root_dir=self.root):
            if path not in named and path != prefix + "dump.json":
                sys.exit(f"{path} belongs to no dump")
        sums = [line.split("  ", 1) for line in self.read(prefix + "SHA256SUMS").decode().splitlines() if not line.startswith("#")]
        if [(digest, prefix + name) for digest, name in sums] != [(item["sha256"], key) for key, item in named.items() if item is not entry["sums"]]:
            sys.exit(f"SHA256SUMS of {dump} has other digests than dump.json")
        for stream in manifest["streams"]:
            with open(os.devnull, "wb") as nowhere:
                self.dump(service, dump, stream["name"], nowhere)
        return entry


class DirectoryFiles:
    """Takes the stream of a directory, and writes its files."""
    MAGIC, FRAMES = b"pitr directory 1\n", {b"F": "<IB", b"D": "<II", b"E": "<IQ", b"Z": "<IQ"}

    def __init__(self, directory):
        self.directory, self.left, self.open, self.names, self.bytes = directory, b"", {}, set(), 0
        self.begun = self.complete = False

    def write(self, content):
        self.left += content
        if not self.begun and len(self.left) >= len(self.MAGIC):
            if not self.left.startswith(self.MAGIC):
                sys.exit("the stream does not hold the files of a directory")
            self.begun, self.left = True, self.left[len(self.MAGIC):]
        at = 0
        while self.begun and (length := self.frame(at)):
            at += length
        self.left = self.left[at:]

    def frame(self, at):
        """Takes the frame at this place; its length, or 0 where not all of it is there."""
        kind = self.left[at:at + 1]
        if not kind:
            return 0
        if self.complete or kind not in self.FRAMES:
            sys.exit("the stream has a frame that is not known, or one behind its end")
        header = struct.Struct(self.FRAMES[kind])
        if len(self.left) < at + 1 + header.size:
            return 0
        number, value = header.unpack_from(self.left, at + 1)
        start = at + 1 + header.size
        content = self.left[start:start + value] if kind in b"FD" else b""
        if kind in b"FD" and len(content) < value:
            return 0
        if kind == b"F":
            name = content.decode("ascii")
            if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", name) or name in self.names or number != len(self.names):
                sys.exit(f"the stream has a file with the name {name!r}")
            self.names.add(name)
            self.open[number] = open(os.path.join(self.directory, name), "xb")
        elif kind == b"D":
            self.open[number].write(content)
            self.bytes += value
        elif kind == b"E":
            with self.open.pop(number) as file:
                if file.tell() != value:
                    sys.exit(f"file {file.name} is not whole")
        else:
            self.complete = (number, value, self.open) == (len(self.names), self.bytes, {})
        return 1 + header.size + len(content)


def decompress(frame):
    return subprocess.run(["zstd", "-dcq"], input=frame, stdout=subprocess.PIPE, check=True).stdout


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    root, identity, command, *rest = sys.argv[1:]
    repository = Repository(root, identity, os.environb.get(b"PITR_PASSPHRASE"))
    if command == "open":
        sys.stdout.buffer.write(repository.open(*rest))
    elif command == "manifest":
        for line in repository.manifest(*rest):
            print(json.dumps(line, ensure_ascii=False))
    elif command == "extract":
        repository.extract(*rest, sys.stdout.buffer)
    elif command == "dumps":
        for entry in repository.dumps(*rest):
            for stream in entry["streams"]:
                print(entry["id"], entry["finished"], entry["tool"], stream["bytes"], stream["format"], stream["name"], sep="\t")
    elif command == "dump-verify":
        entry = repository.dump_verify(*rest)
        print(f"dump {entry['id']}: {len(entry['streams'])} streams in {len(entry['parts'])} parts, all as they were written")
    elif command == "dump":
        repository.dump(*rest, sys.stdout.buffer)
    elif command == "unpack":
        repository.unpack(*rest)
    else:
        sys.exit(__doc__)
