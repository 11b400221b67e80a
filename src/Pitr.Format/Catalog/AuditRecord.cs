namespace Pitr.Format.Catalog;

/// <summary>
/// <c>services/&lt;name&gt;/audit/&lt;id&gt;.json</c>: somebody did something to a service's data, or tried to; <c>audit/&lt;id&gt;.json</c>: to a repository.
/// Written once, never changed, removed by nobody but people.
/// </summary>
public sealed record AuditRecord
{
    const string What = "audit record";
    static readonly Dictionary<string, string> NoDetails = [];

    public int Format { get; init; } = 1;

    /// <summary>When it ended and a random part, that of its <see cref="AuditBeginning"/> if it has one; ids sort by time.</summary>
    public required string Id { get; init; }

    /// <summary>The service it was about; null: a repository.</summary>
    public string? Service { get; init; }

    /// <summary>The repository it was about, as the configuration of its host named it; null: a service.</summary>
    public string? Repository { get; init; }

    /// <summary>The command: "backup", "restore", "expire", …</summary>
    public required string Action { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required DateTimeOffset Ended { get; init; }

    /// <summary>The host it ran on.</summary>
    public required string Host { get; init; }

    /// <summary>The user it ran as; behind sudo also who called it, "postgres (kim)".</summary>
    public required string User { get; init; }

    public required string PitrVersion { get; init; }

    /// <summary>What it was done to or made: a backup's id, a directory.</summary>
    public string? Subject { get; init; }

    public required int ExitCode { get; init; }

    /// <summary>The error's text; null when there was none.</summary>
    public string? Error { get; init; }

    /// <summary>More about it, by name: "target", "backups-removed", …</summary>
    public IReadOnlyDictionary<string, string> Details { get; init => field = value ?? NoDetails; } = NoDetails;

    /// <exception cref="DamagedObjectException">Not such a document.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static AuditRecord Parse(ReadOnlySpan<byte> utf8) => DocumentJson.Read(utf8, DocumentJson.Default.AuditRecord, What);

    public byte[] ToJson() => DocumentJson.Write(this, DocumentJson.Default.AuditRecord);
}
