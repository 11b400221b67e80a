namespace Pitr.Operations.Scratch;

/// <summary>
/// Keeps a recovered copy from acting as if it were the original. A copy has the original's <c>postgresql.auto.conf</c>, and the settings of its databases
/// and roles; everything in them that reaches out of the copy, or into the original, is overruled here.
/// </summary>
static class ClusterIsolation
{
    const int WithoutStatisticsDirectory = 150000;
    const int WithEventTriggerSetting = 170000;

    /// <summary>Settings for the server's command line, above every configuration file.</summary>
    /// <param name="postgresVersion">As <c>server_version_num</c> has it.</param>
    public static Dictionary<string, string> Settings(int postgresVersion)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            // No archiving, no replication, in neither direction.
            ["archive_mode"] = "off",
            ["primary_conninfo"] = "",
            ["primary_slot_name"] = "",
            ["synchronous_standby_names"] = "",
            ["max_logical_replication_workers"] = "0",
            // No library, and so no background worker, no job, no hook.
            ["shared_preload_libraries"] = "",
            ["session_preload_libraries"] = "",
            ["local_preload_libraries"] = "",
            // No file outside: a running original has its process id in this one.
            ["external_pid_file"] = "",
            // Nobody else reaches it.
            ["listen_addresses"] = "",
            ["ssl"] = "off",
            ["bonjour"] = "off",
            // A size that was set for the original would take its memory away.
            ["shared_buffers"] = "128MB",
            ["huge_pages"] = "try",
            // Nothing is written that the recovery has not written.
            ["autovacuum"] = "off",
            ["hot_standby"] = "on",
            ["cluster_name"] = "pitr_scratch",
        };
        if (postgresVersion < WithoutStatisticsDirectory)
        {
            // Debian's packages put it outside of the data directory.
            settings["stats_temp_directory"] = "pg_stat_tmp";
        }

        if (postgresVersion >= WithEventTriggerSetting)
        {
            settings["event_triggers"] = "off";
        }

        return settings;
    }

    /// <summary>
    /// Options for every session in it. What is set for a database or a role wins over the server's command line, but not over the session's own options.
    /// </summary>
    /// <param name="postgresVersion">As <c>server_version_num</c> has it.</param>
    public static string SessionOptions(int postgresVersion)
    {
        List<string> options =
        [
            "session_preload_libraries=", "local_preload_libraries=", "default_transaction_read_only=off",
            "statement_timeout=0", "lock_timeout=0", "idle_in_transaction_session_timeout=0", "idle_session_timeout=0",
        ];
        if (postgresVersion >= WithEventTriggerSetting)
        {
            options.AddRange(["event_triggers=off", "transaction_timeout=0"]);
        }

        return string.Join(' ', options.Select(option => $"-c {option}"));
    }
}
