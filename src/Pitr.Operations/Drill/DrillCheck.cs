using System.Text.Json.Serialization;

namespace Pitr.Operations.Drill;

/// <summary>One thing that was looked at in the recovered cluster.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Passed">Whether it held.</param>
/// <param name="Detail">What was found, in words.</param>
public sealed record DrillCheck(string Name, bool Passed, string Detail)
{
    /// <summary>How long it took.</summary>
    public double Seconds { get; init; }

    /// <summary>For a SQL check: the query.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sql { get; init; }

    /// <summary>For a SQL check: what the configuration expects.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Expected { get; init; }

    /// <summary>For a SQL check: what the query answered, at most a thousand characters, <c>NULL</c> for that; missing when it answered nothing that could be compared.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Result { get; init; }
}
