using System.Security.Cryptography;

namespace Pitr.Format.Keys;

/// <summary>Key schedule output of RFC 9180 §5.1, wiped on dispose.</summary>
sealed class HpkeContext(byte[] keyScheduleContext, byte[] secret, byte[] key, byte[] baseNonce, byte[] exporterSecret) : IDisposable
{
    public byte[] KeyScheduleContext { get; } = keyScheduleContext;

    public byte[] Secret { get; } = secret;

    public byte[] Key { get; } = key;

    public byte[] BaseNonce { get; } = baseNonce;

    public byte[] ExporterSecret { get; } = exporterSecret;

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(Secret);
        CryptographicOperations.ZeroMemory(Key);
        CryptographicOperations.ZeroMemory(ExporterSecret);
    }
}
