namespace Pitr.Operations.Configuration;

/// <summary>An <c>applications</c> section: what is run around the restore of a group, for one service or for all together.</summary>
/// <param name="StopCommand">Stops what uses the service; null: nothing is run.</param>
/// <param name="StartCommand">Starts it again; null: nothing is run.</param>
/// <param name="HealthCheck">Ends with 0 when it works; null: nothing is run.</param>
/// <param name="Timeout">How long a command may take, and how long the check is asked again until it passes. Default 1 minute.</param>
public sealed record ApplicationSettings(CommandText? StopCommand, CommandText? StartCommand, CommandText? HealthCheck, TimeSpan Timeout)
{
    /// <summary>What applies when the configuration says nothing.</summary>
    public static ApplicationSettings Default { get; } = new(null, null, null, TimeSpan.FromMinutes(1));
}
