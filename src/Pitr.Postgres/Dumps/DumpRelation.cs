using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>A relation that can be dumped by its name.</summary>
/// <param name="Oid">Its OID.</param>
/// <param name="Schema">Its schema.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">pg_class.relkind: r table, p partitioned table, v view, m materialized view, f foreign table, S sequence.</param>
/// <param name="Bytes">What it takes on disk, without indexes.</param>
/// <param name="IsOwned">A sequence of a column, which goes where its table goes.</param>
public sealed record DumpRelation(uint Oid, string Schema, string Name, char Kind, long Bytes, bool IsOwned)
{
    /// <summary>As SQL and pg_dump's patterns write it.</summary>
    public string Qualified => SqlText.Qualified(Schema, Name);

    /// <summary>What SQL calls its kind: TABLE, VIEW, ….</summary>
    public string KindName => Kind switch
    {
        'v' => "VIEW",
        'm' => "MATERIALIZED VIEW",
        'f' => "FOREIGN TABLE",
        'S' => "SEQUENCE",
        _ => "TABLE",
    };
}
