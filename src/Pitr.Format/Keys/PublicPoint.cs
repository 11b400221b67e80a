using System.Security.Cryptography;

namespace Pitr.Format.Keys;

/// <summary>P-256 public keys as SEC 1 uncompressed points: 0x04, x and y, 32 bytes each (RFC 9180 §7.1.1).</summary>
static class PublicPoint
{
    public const int Size = 65;
    const int CoordinateSize = 32;

    // The curve's object identifier, in the two spellings that ECParameters uses.
    const string P256Oid = "1.2.840.10045.3.1.7";

    public static byte[] Export(ECDiffieHellman key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        var bytes = new byte[Size];
        bytes[0] = 4;
        // Coordinates are padded to the field size by the framework.
        point.X!.CopyTo(bytes.AsSpan(1));
        point.Y!.CopyTo(bytes.AsSpan(1 + CoordinateSize));
        return bytes;
    }

    /// <exception cref="CryptographicException">Not an uncompressed point of the curve.</exception>
    public static ECDiffieHellman Import(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size || bytes[0] != 4)
        {
            throw new CryptographicException("not an uncompressed P-256 point");
        }

        var parameters = new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = bytes[1..33].ToArray(), Y = bytes[33..].ToArray() },
        };
        parameters.Validate();
        return ECDiffieHellman.Create(parameters);
    }

    public static bool IsP256(ECDiffieHellman key)
    {
        var curve = key.ExportParameters(includePrivateParameters: false).Curve;
        return curve.IsNamed && string.Equals(curve.Oid.Value, P256Oid, StringComparison.Ordinal);
    }
}
