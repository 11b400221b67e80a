namespace Pitr.Operations.Configuration;

/// <summary>The <c>server</c> section of a service: how its server is stopped and started by a restore in place.</summary>
/// <param name="StopCommand">Given to <c>sh -c</c>; null where none is configured.</param>
/// <param name="StartCommand">Given to <c>sh -c</c>; null where none is configured.</param>
/// <param name="Timeout">How long the server may take to be down, or to show up. Default 1 minute.</param>
public sealed record ServerSettings(string? StopCommand, string? StartCommand, TimeSpan Timeout)
{
    /// <summary>What applies when the configuration says nothing.</summary>
    public static ServerSettings Default { get; } = new(null, null, TimeSpan.FromMinutes(1));
}
