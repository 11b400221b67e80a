using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Pitr.Format.Keys;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests;

/// <summary>The test vectors of docs/format.md, which another implementation computed.</summary>
public class FormatDocumentTests
{
    static readonly Dictionary<string, string> Vectors = Read();

    [Fact]
    public void Wrap_to_a_recipient()
    {
        using var key = Key();
        using var recipientKey = Hpke.ImportPrivate(Bytes("identity-scalar"));
        using var ephemeral = Hpke.ImportPrivate(Bytes("ephemeral-scalar"));
        using var identity = Identity.FromPem(recipientKey.ExportPkcs8PrivateKeyPem());
        Assert.Equal(Vectors["recipient-id"], identity.Recipient.Id);
        Assert.Equal(Bytes("recipient-spki"), recipientKey.ExportSubjectPublicKeyInfo());

        var result = Hpke.Seal(HpkeAead.Aes256Gcm, ephemeral, identity.Recipient.PublicKey, "pitr/data-key/v1"u8, Bytes("data-key-id"), key.Secret);
        Assert.Equal(Bytes("wrap-enc"), result.EncapsulatedKey);
        Assert.Equal(Bytes("wrap-ciphertext"), result.Ciphertext);

        using var unwrapped = Document(new JsonObject
        {
            ["scheme"] = "hpke-p256-sha256-aes256gcm",
            ["recipient"] = Vectors["recipient-id"],
            ["enc"] = Base64("wrap-enc"),
            ["ciphertext"] = Base64("wrap-ciphertext"),
        }).Unwrap(identity);
        Assert.Equal(key.Secret, unwrapped.Secret);
    }

    [Fact]
    public void Wrap_under_a_passphrase()
    {
        using var key = Key();
        using var unwrapped = Document(new JsonObject
        {
            ["scheme"] = "pbkdf2-hmac-sha512-aes256gcm",
            ["salt"] = Base64("passphrase-salt"),
            ["iterations"] = 600_000,
            ["nonce"] = Base64("passphrase-nonce"),
            ["ciphertext"] = Base64("passphrase-ciphertext"),
        }).UnwrapWithPassphrase(Encoding.UTF8.GetString(Bytes("passphrase")));
        Assert.Equal(key.Secret, unwrapped.Secret);
    }

    [Fact]
    public void Sealed_object()
    {
        using var key = Key();
        var objectKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Secret.ToArray(), 32, Bytes("object-salt"), "pitr/object/v1"u8.ToArray());
        Assert.Equal(Bytes("object-key"), objectKey);
        var header = new SealedObjectHeader
        {
            Codec = SealedObjectCodec.None,
            Kind = SealedObjectKind.Stream,
            KeyId = key.Id,
            Salt = Bytes("object-salt"),
        };
        Assert.Equal(Bytes("object"), SealedObject.Seal(Bytes("object-plaintext"), key, header));
        Assert.Equal(Bytes("object-plaintext"), SealedObject.Open(Bytes("object"), key));

        var plaintext = Enumerable.Range(0, 1025).Select(i => (byte)(i * 7)).ToArray();
        var two = SealedObject.Seal(plaintext, key, header with { ChunkSizeLog2 = 10 });
        Assert.Equal(Vectors["two-chunks-sha256"], Convert.ToHexStringLower(SHA256.HashData(two)));
    }

    [Fact]
    public void Pack_record()
    {
        using var key = Key();
        using var reader = new PackReader(Bytes("pack-header"), key);
        using var record = reader.Decode(1, Bytes("pack-record"));
        Assert.Equal(Bytes("pack-record-plaintext"), record.Memory.ToArray());
    }

    [Fact]
    public void Fingerprint()
    {
        var content = Enumerable.Range(0, 4096).Select(i => (byte)i).ToArray();
        Assert.Equal(Bytes("fingerprint"), WalFingerprint.Compute(7_312_345_678_901_234_567, WalFileName.Parse("0000000100000000000000A1"), content));
        Assert.Equal(
            Bytes("fingerprint-of-history"),
            WalFingerprint.Compute(7_312_345_678_901_234_567, WalFileName.Parse("00000002.history"), "1\t0/5000A28\tno recovery target specified\n"u8));
    }

    [Fact]
    public void Fingerprint_of_a_piece()
    {
        var content = Enumerable.Range(0, 4096).Select(i => (byte)i).ToArray();
        Assert.True(WalPieceName.TryParse("0000000100000000000000A1.parts/00001000-00002000", out var piece));
        Assert.Equal(content.Length, piece.Length);
        Assert.Equal(
            Bytes("piece-fingerprint"),
            WalPieceFingerprint.Compute(7_312_345_678_901_234_567, piece.Segment.Timeline, piece.Segment.StartLsn(WalSegmentSize.Default) + piece.From, content));
    }

    static DataKey Key() => new(DataKeyId.Parse(Vectors["data-key-id"]), Bytes("data-key"), Samples.Time);

    static KeyDocument Document(JsonObject wrap) => KeyDocument.Parse(Encoding.UTF8.GetBytes(new JsonObject
    {
        ["format"] = 1,
        ["id"] = Vectors["data-key-id"],
        ["created"] = "2026-11-21T03:15:00Z",
        ["wraps"] = new JsonArray(wrap),
    }.ToJsonString()));

    static byte[] Bytes(string name) => Convert.FromHexString(Vectors[name]);

    static string Base64(string name) => Convert.ToBase64String(Bytes(name));

    // Blocks marked "vectors" hold lines "name = hex", which lines that begin with spaces continue.
    static Dictionary<string, string> Read()
    {
        var vectors = new Dictionary<string, string>(StringComparer.Ordinal);
        var name = "";
        var inside = false;
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "docs", "format.md")))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                inside = string.Equals(line, "```vectors", StringComparison.Ordinal);
            }
            else if (inside && line.StartsWith(' '))
            {
                vectors[name] += line.Trim();
            }
            else if (inside && line.Split(" = ") is [var key, var value])
            {
                name = key;
                vectors.Add(name, value);
            }
        }

        return vectors;
    }
}
