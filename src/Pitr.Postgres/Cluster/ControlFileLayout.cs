namespace Pitr.Postgres.Cluster;

/// <summary>
/// What differs between the control files of PostgreSQL 14 to 18: 17 puts wal_level into padding of the checkpoint copy, 18 adds
/// default_char_signedness behind the checksum version, which moves the nonce and the CRC.
/// </summary>
sealed record ControlFileLayout(int DataChecksumVersionOffset, int ChecksumOffset)
{
    /// <summary>Bytes every layout fits in.</summary>
    public const int SmallestSize = 296;

    static readonly ControlFileLayout Version1300 = new(252, 288);
    static readonly ControlFileLayout Version1800 = new(252, 292);

    /// <summary>PG_CONTROL_VERSION → layout; null when unknown.</summary>
    public static ControlFileLayout? For(int controlVersion) => controlVersion switch
    {
        1300 or 1700 => Version1300,
        1800 => Version1800,
        _ => null,
    };

    /// <summary>CATALOG_VERSION_NO of the releases (src/include/catalog/catversion.h) → major version; null when unknown.</summary>
    public static int? MajorVersion(int catalogVersion) => catalogVersion switch
    {
        202107181 => 14,
        202209061 => 15,
        202307071 => 16,
        202406281 => 17,
        202506291 => 18,
        _ => null,
    };
}
