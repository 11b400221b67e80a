namespace Pitr.Postgres.Sessions;

/// <summary>A row of pg_settings.</summary>
/// <param name="Value">In <paramref name="Unit"/>s, as pg_settings gives it.</param>
/// <param name="Unit">kB, 8kB, s, min, …; null when it has none.</param>
/// <param name="Context">internal, postmaster (needs a restart), sighup, superuser-backend, backend, superuser, user.</param>
/// <param name="PendingRestart">A configuration file has another value, which takes effect at the next start.</param>
/// <param name="Source">default, configuration file, command line, …</param>
public sealed record ServerSetting(string Name, string Value, string? Unit, string Context, bool PendingRestart, string Source)
{
    public bool NeedsRestart => Context == "postmaster";
}
