namespace Pitr.Postgres.Cluster;

/// <summary>Next steps for the usual reasons why a server does not start or a recovery stops.</summary>
static class ServerExitHint
{
    static readonly (string Text, string Hint)[] Known =
    [
        ("recovery ended before configured recovery target was reached", "the archived WAL ends before the target: choose an earlier target, or \"latest\""),
        ("requested recovery stop point is before consistent recovery point", "the target lies before the end of the backup: choose an older backup or a later target"),
        ("could not locate required checkpoint record", "the WAL the backup starts with is not there: check restore_command"),
        ("could not restore file", "restore_command stopped the recovery, as it could not tell whether the file exists: see what it logged"),
        ("insufficient parameter settings", "set the named settings at least as high as on the server that wrote the WAL"),
        ("multiple recovery targets specified", "only one of the recovery_target settings may be set, also in postgresql.conf"),
        ("lock file", "another server uses this data directory or socket directory; stop it first"),
        ("has invalid permissions", "the data directory must be of mode 0700 or 0750"),
        ("No space left on device", "free space, or choose another file system"),
    ];

    public static string For(string log, string logFile)
    {
        foreach (var (text, hint) in Known)
        {
            if (log.Contains(text, StringComparison.Ordinal))
            {
                return hint;
            }
        }

        return $"the whole log is in {logFile}";
    }
}
