using Pitr.Operations.Restore;

namespace Pitr.Operations.Extract;

/// <summary>What shall be taken out of a service's past: tables, or schemas, or with neither a whole database.</summary>
/// <param name="Moment">To when the service is recovered.</param>
public sealed record ExtractRequest(RestoreRequest Moment)
{
    /// <summary>The database; null finds the one that has what is named.</summary>
    public string? Database { get; init; }

    /// <summary>Tables, views and sequences, as pg_dump's <c>--table</c> takes them.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>Schemas, as pg_dump's <c>--schema</c> takes them.</summary>
    public IReadOnlyList<string> Schemas { get; init; } = [];

    /// <summary>Puts everything into this schema, which is made for it; null leaves it where it was.</summary>
    public string? IntoSchema { get; init; }

    /// <summary>Existing directory to restore into; null: the service's state directory.</summary>
    public string? ScratchDirectory { get; init; }
}
