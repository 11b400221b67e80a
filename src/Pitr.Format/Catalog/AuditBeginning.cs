namespace Pitr.Format.Catalog;

/// <summary>
/// <c>services/&lt;name&gt;/audit/&lt;id&gt;.began.json</c>, <c>audit/&lt;id&gt;.began.json</c>: somebody began to do something. Its end is an <see cref="AuditRecord"/> whose
/// id has the same random part; without one it runs, or was killed. Written once, never changed.
/// </summary>
public sealed record AuditBeginning
{
    const string What = "beginning of an action";
    static readonly Dictionary<string, string> NoDetails = [];

    public int Format { get; init; } = 1;

    /// <summary>When it began and a random part; ids sort by time.</summary>
    public required string Id { get; init; }

    /// <summary>The service it is about; null: a repository.</summary>
    public string? Service { get; init; }

    /// <summary>The repository it is about, as the configuration of its host names it; null: a service.</summary>
    public string? Repository { get; init; }

    /// <summary>As in <see cref="AuditRecord"/>.</summary>
    public required string Action { get; init; }

    public required DateTimeOffset Started { get; init; }

    /// <summary>The host it runs on.</summary>
    public required string Host { get; init; }

    /// <summary>As in <see cref="AuditRecord"/>.</summary>
    public required string User { get; init; }

    public required string PitrVersion { get; init; }

    /// <summary>The process that does it; null where the host does not tell.</summary>
    public AuditProcess? Process { get; init; }

    /// <summary>What it is done to, as far as that is known.</summary>
    public string? Subject { get; init; }

    /// <summary>More about it, by name.</summary>
    public IReadOnlyDictionary<string, string> Details { get; init => field = value ?? NoDetails; } = NoDetails;

    /// <exception cref="DamagedObjectException">Not such a document.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static AuditBeginning Parse(ReadOnlySpan<byte> utf8) => DocumentJson.Read(utf8, DocumentJson.Default.AuditBeginning, What);

    public byte[] ToJson() => DocumentJson.Write(this, DocumentJson.Default.AuditBeginning);
}
