using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pitr.Format.Keys;

/// <summary>One way to get at a data key: encrypted to a recipient, or under a passphrase. Which members are present depends on the scheme.</summary>
public sealed record KeyWrap
{
    /// <summary>HPKE to a recipient: <see cref="Recipient"/>, <see cref="Enc"/> (65 bytes) and <see cref="Ciphertext"/> (48 bytes).</summary>
    public const string HpkeScheme = "hpke-p256-sha256-aes256gcm";

    /// <summary>Passphrase: <see cref="Salt"/>, <see cref="Iterations"/>, <see cref="Nonce"/> (12 bytes) and <see cref="Ciphertext"/> (48 bytes).</summary>
    public const string PassphraseScheme = "pbkdf2-hmac-sha512-aes256gcm";

    public required string Scheme { get; init; }

    public string? Recipient { get; init; }

    public byte[]? Enc { get; init; }

    public byte[]? Salt { get; init; }

    public int? Iterations { get; init; }

    public byte[]? Nonce { get; init; }

    /// <summary>Encrypted secret and tag.</summary>
    public byte[]? Ciphertext { get; init; }

    /// <summary>Members this version does not know, kept when the document is rewritten.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; init; }
}
