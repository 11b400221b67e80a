using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Setup;

/// <summary>Sets what archiving needs with ALTER SYSTEM.</summary>
/// <param name="Changed">Settings that had another value.</param>
/// <param name="RestartNeeded">Those of them that take effect only after a restart.</param>
public sealed record ServerSettingsApplied(IReadOnlyList<string> Changed, IReadOnlyList<string> RestartNeeded)
{
    // In ascending strength: what is set already is never weakened.
    static readonly string[] WalLevels = ["minimal", "replica", "logical"];

    /// <summary>Applies the advice to a running server and reloads it.</summary>
    /// <exception cref="Pitr.Postgres.ServerException">The server cannot be reached, or the role may not.</exception>
    public static async Task<ServerSettingsApplied> ApplyAsync(string connection, IReadOnlyList<ServerSettingAdvice> advice, CancellationToken cancellation)
    {
        await using var session = await PostgresSession.OpenAsync(connection, cancellation);
        var current = await session.ReadSettingsAsync(advice.Select(a => a.Name), cancellation);
        var changed = new List<string>();
        var restart = new List<string>();
        foreach (var setting in advice.Where(a => !Satisfies(a, current[a.Name].Value)))
        {
            await session.AlterSystemAsync(setting.Name, setting.Value, cancellation);
            changed.Add(setting.Name);
            if (current[setting.Name].NeedsRestart)
            {
                restart.Add(setting.Name);
            }
        }

        await session.ReloadAsync(cancellation);
        return new ServerSettingsApplied(changed, restart);
    }

    /// <summary>True when a server's value serves as well as the advised one.</summary>
    public static bool Satisfies(ServerSettingAdvice advice, string value) => advice.Name switch
    {
        "wal_level" => Array.IndexOf(WalLevels, value) >= Array.IndexOf(WalLevels, advice.Value),
        "archive_mode" => value is "on" or "always",
        "archive_timeout" => int.TryParse(value, out var seconds) && seconds is > 0 and <= 300,
        _ => value == advice.Value,
    };
}
