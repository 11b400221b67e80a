namespace Pitr.Postgres.Wal;

/// <summary>
/// XLOG_PAGE_MAGIC of each supported major version (src/include/access/xlog_internal.h of PostgreSQL 14 to 18).
/// It never changes within a major version.
/// </summary>
static class WalVersion
{
    public const string Supported = "14 (D10D), 15 (D110), 16 (D113), 17 (D116), 18 (D118)";

    public static bool TryGetMajor(ushort magic, out int major)
    {
        major = magic switch
        {
            0xD10D => 14,
            0xD110 => 15,
            0xD113 => 16,
            0xD116 => 17,
            0xD118 => 18,
            _ => 0,
        };
        return major != 0;
    }

    /// <exception cref="ArgumentOutOfRangeException">Not 14 to 18.</exception>
    public static ushort Magic(int major) => major switch
    {
        14 => 0xD10D,
        15 => 0xD110,
        16 => 0xD113,
        17 => 0xD116,
        18 => 0xD118,
        _ => throw new ArgumentOutOfRangeException(nameof(major), major, "PostgreSQL 14 to 18 are known"),
    };
}
