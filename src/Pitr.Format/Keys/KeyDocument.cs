using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pitr.Format.Catalog;

namespace Pitr.Format.Keys;

/// <summary>
/// <c>keys/&lt;id&gt;.json</c>: a data key, wrapped to every recipient. Adding or removing a recipient rewrites this document and nothing else.
/// Wraps of an unknown scheme are kept and passed over.
/// </summary>
public sealed record KeyDocument
{
    const string What = "key document";
    const int Iterations = 600_000;
    const int MaximumIterations = 100_000_000;
    const int SaltSize = 32;
    const int NonceSize = 12;
    const int TagSize = 16;
    const int CiphertextSize = DataKey.Size + TagSize;

    public int Format { get; init; } = 1;

    public required DataKeyId Id { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required IReadOnlyList<KeyWrap> Wraps { get; init; }

    /// <summary>Members this version does not know, kept when the document is rewritten.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }

    /// <summary>Ids of the recipients whose identity opens the key.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> RecipientIds =>
        [.. Wraps.Where(wrap => IsHpke(wrap)).Select(wrap => wrap.Recipient!)];

    /// <summary>Whether a passphrase opens the key.</summary>
    [JsonIgnore]
    public bool HasPassphrase => Wraps.Any(wrap => IsPassphrase(wrap));

    static ReadOnlySpan<byte> Info => "pitr/data-key/v1"u8;

    /// <exception cref="ArgumentException">Neither a recipient nor a passphrase: nobody could ever open the key.</exception>
    public static KeyDocument Wrap(DataKey key, IEnumerable<Recipient> recipients, string? passphrase = null)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(recipients);
        var wraps = recipients.DistinctBy(recipient => recipient.Id).Select(recipient => WrapTo(key, recipient)).ToList();
        if (passphrase is not null)
        {
            wraps.Add(WrapUnder(key, passphrase));
        }

        if (wraps.Count == 0)
        {
            throw new ArgumentException("a data key needs at least one recipient or a passphrase", nameof(recipients));
        }

        return new KeyDocument { Id = key.Id, Created = key.Created, Wraps = wraps };
    }

    /// <exception cref="DamagedObjectException">Not such a document.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static KeyDocument Parse(ReadOnlySpan<byte> utf8)
    {
        var document = DocumentJson.Read(utf8, DocumentJson.Default.KeyDocument, What);
        DocumentJson.RequireNoNull(document.Wraps, What, "wraps");
        // The document that is written next has a digest of its own.
        document.Unknown?.Remove("sha256");
        foreach (var wrap in document.Wraps)
        {
            Check(wrap);
        }

        return document;
    }

    public byte[] ToJson() => DocumentJson.Write(this, DocumentJson.Default.KeyDocument);

    /// <exception cref="WrongIdentityException">The key is not wrapped to this identity.</exception>
    /// <exception cref="DamagedObjectException">It is, but the wrap does not open.</exception>
    public DataKey Unwrap(Identity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        var recipientId = identity.Recipient.Id;
        var wrap = Wraps.FirstOrDefault(wrap => IsHpke(wrap) && string.Equals(wrap.Recipient, recipientId, StringComparison.Ordinal))
            ?? throw new WrongIdentityException(
                $"data key {Id} is not wrapped to identity {recipientId}; {(RecipientIds.Count == 0 ? "no recipient" : string.Join(", ", RecipientIds))} can open it");
        byte[]? secret = null;
        try
        {
            secret = Hpke.Open(identity, wrap.Enc, Info, Id.ToBytes(), wrap.Ciphertext);
            return new DataKey(Id, secret, Created);
        }
        catch (CryptographicException e)
        {
            throw new DamagedObjectException(
                $"key document of data key {Id} is damaged: its wrap to recipient {recipientId} does not open",
                e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <exception cref="WrongIdentityException">The key is not wrapped under a passphrase, or under another one.</exception>
    public DataKey UnwrapWithPassphrase(string passphrase)
    {
        ArgumentNullException.ThrowIfNull(passphrase);
        if (!HasPassphrase)
        {
            throw new WrongIdentityException($"data key {Id} is not wrapped under a passphrase; an identity is needed");
        }

        Span<byte> secret = stackalloc byte[DataKey.Size];
        try
        {
            foreach (var wrap in Wraps.Where(wrap => IsPassphrase(wrap)))
            {
                if (TryOpen(wrap, passphrase, secret))
                {
                    return new DataKey(Id, secret, Created);
                }
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }

        throw new WrongIdentityException($"wrong passphrase for data key {Id}");
    }

    /// <summary>The document with one more recipient; a wrap to the same recipient is replaced.</summary>
    /// <exception cref="ArgumentException"><paramref name="key"/> is another data key.</exception>
    public KeyDocument WithRecipient(DataKey key, Recipient recipient)
    {
        ArgumentNullException.ThrowIfNull(recipient);
        RequireSameKey(key);
        return this with { Wraps = [.. Without(recipient.Id), WrapTo(key, recipient)] };
    }

    /// <summary>The document with one more passphrase wrap.</summary>
    /// <exception cref="ArgumentException"><paramref name="key"/> is another data key.</exception>
    public KeyDocument WithPassphrase(DataKey key, string passphrase)
    {
        ArgumentNullException.ThrowIfNull(passphrase);
        RequireSameKey(key);
        return this with { Wraps = [.. Wraps, WrapUnder(key, passphrase)] };
    }

    /// <summary>The document without wraps to that recipient. Whoever has opened the key before still has it.</summary>
    /// <exception cref="InvalidOperationException">Nobody could open the key any more.</exception>
    public KeyDocument WithoutRecipient(string recipientId)
    {
        ArgumentNullException.ThrowIfNull(recipientId);
        var result = this with { Wraps = [.. Without(recipientId)] };
        if (result.RecipientIds.Count == 0 && !result.HasPassphrase)
        {
            throw new InvalidOperationException($"recipient {recipientId} is the last that can open data key {Id}; add another one first");
        }

        return result;
    }

    /// <summary>The document without passphrase wraps.</summary>
    /// <exception cref="InvalidOperationException">Nobody could open the key any more.</exception>
    public KeyDocument WithoutPassphrase()
    {
        var result = this with { Wraps = [.. Wraps.Where(wrap => !IsPassphrase(wrap))] };
        if (result.RecipientIds.Count == 0)
        {
            throw new InvalidOperationException($"the passphrase is the only way to open data key {Id}; add a recipient first");
        }

        return result;
    }

    public override string ToString() => $"key document of data key {Id}, {Wraps.Count} wraps";

    static KeyWrap WrapTo(DataKey key, Recipient recipient)
    {
        var result = Hpke.Seal(recipient, Info, key.Id.ToBytes(), key.Secret);
        return new KeyWrap { Scheme = KeyWrap.HpkeScheme, Recipient = recipient.Id, Enc = result.EncapsulatedKey, Ciphertext = result.Ciphertext };
    }

    static KeyWrap WrapUnder(DataKey key, string passphrase)
    {
        if (passphrase.Length == 0)
        {
            throw new ArgumentException("passphrase is empty", nameof(passphrase));
        }

        var wrap = new KeyWrap
        {
            Scheme = KeyWrap.PassphraseScheme,
            Salt = RandomNumberGenerator.GetBytes(SaltSize),
            Iterations = Iterations,
            Nonce = RandomNumberGenerator.GetBytes(NonceSize),
            Ciphertext = new byte[CiphertextSize],
        };
        using var gcm = PassphraseCipher(wrap, passphrase);
        gcm.Encrypt(wrap.Nonce, key.Secret, wrap.Ciphertext.AsSpan(0, DataKey.Size), wrap.Ciphertext.AsSpan(DataKey.Size), key.Id.ToBytes());
        return wrap;
    }

    static AesGcm PassphraseCipher(KeyWrap wrap, string passphrase)
    {
        Span<byte> key = stackalloc byte[32];
        var password = Encoding.UTF8.GetBytes(passphrase);
        try
        {
            Rfc2898DeriveBytes.Pbkdf2(password, wrap.Salt, key, wrap.Iterations!.Value, HashAlgorithmName.SHA512);
            return new AesGcm(key, TagSize);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(password);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    static bool IsHpke(KeyWrap wrap) => string.Equals(wrap.Scheme, KeyWrap.HpkeScheme, StringComparison.Ordinal);

    static bool IsPassphrase(KeyWrap wrap) => string.Equals(wrap.Scheme, KeyWrap.PassphraseScheme, StringComparison.Ordinal);

    static void Check(KeyWrap wrap)
    {
        if (IsHpke(wrap))
        {
            DocumentJson.Require(DataKeyId.TryParse(wrap.Recipient, out _), What, "a wrap's recipient is not 32 lower-case hexadecimal digits");
            DocumentJson.Require(wrap.Enc?.Length == PublicPoint.Size, What, $"a wrap's enc does not have {PublicPoint.Size} bytes");
        }
        else if (IsPassphrase(wrap))
        {
            DocumentJson.Require(wrap.Salt?.Length >= 16, What, "a wrap's salt is missing or shorter than 16 bytes");
            DocumentJson.Require(wrap.Iterations is >= 1 and <= MaximumIterations, What, $"a wrap's iterations are not from 1 to {MaximumIterations}");
            DocumentJson.Require(wrap.Nonce?.Length == NonceSize, What, $"a wrap's nonce does not have {NonceSize} bytes");
        }
        else
        {
            return;
        }

        DocumentJson.Require(wrap.Ciphertext?.Length == CiphertextSize, What, $"a wrap's ciphertext does not have {CiphertextSize} bytes");
    }

    bool TryOpen(KeyWrap wrap, string passphrase, Span<byte> secret)
    {
        using var gcm = PassphraseCipher(wrap, passphrase);
        try
        {
            gcm.Decrypt(wrap.Nonce!, wrap.Ciphertext.AsSpan(0, DataKey.Size), wrap.Ciphertext.AsSpan(DataKey.Size), secret, Id.ToBytes());
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    IEnumerable<KeyWrap> Without(string recipientId) =>
        Wraps.Where(wrap => !IsHpke(wrap) || !string.Equals(wrap.Recipient, recipientId, StringComparison.Ordinal));

    void RequireSameKey(DataKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.Id != Id)
        {
            throw new ArgumentException($"this document holds data key {Id}, not {key.Id}", nameof(key));
        }
    }
}
