namespace Pitr.Postgres.Wal;

/// <summary>Looks at records while a walk passes them.</summary>
interface IWalRecordVisitor
{
    /// <summary>Bytes of a record's beginning that <see cref="Wants"/> gets, if the record has so many.</summary>
    const int StartLength = 96;

    /// <summary>Whether records of this kind are worth a closer look. Asked for every record, so it must be quick.</summary>
    bool MayWant(byte resourceManager, byte info);

    /// <summary>Whether this record is wanted.</summary>
    /// <param name="start">Its first bytes, header included.</param>
    /// <param name="majorVersion">PostgreSQL's.</param>
    bool Wants(ReadOnlySpan<byte> start, int majorVersion);

    /// <summary>Looks at a record, whose checksum is right.</summary>
    void Visit(in WalRecord record);
}
