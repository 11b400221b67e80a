using System.Globalization;
using System.Text;
using YamlDotNet.RepresentationModel;

namespace Pitr.Operations.Configuration;

/// <summary>Says which keys there are, of what type and with which default: the one place a new key is added.</summary>
static class ConfigurationBinding
{
    static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);
    static readonly TimeSpan LongestObjective = TimeSpan.FromDays(365);
    static readonly TimeSpan LongestWindow = TimeSpan.FromDays(36500);

    // sun_path of unix(7) holds 108 bytes, the last of them zero.
    const int LongestSocketPath = 107;
    const int MostBackups = 10_000;
    const int MebiByte = 1024 * 1024;

    /// <summary>Reads everything; where something is wrong the result is unusable and the reading knows why.</summary>
    public static PitrConfiguration Bind(ConfigurationReading reading, YamlNode node)
    {
        var root = YamlSection.Root(reading, node);
        var stateDirectory = root.Path("state-directory", PitrConfiguration.DefaultStateDirectory);
        var agent = Agent(root.Section("agent"));
        var log = Log(root.Section("log"));
        var repositoryEntries = root.Entries("repositories", "repository");
        var repositories = Repositories(repositoryEntries);
        var encryption = Encryption(root.Section("encryption"));
        var applications = ApplicationBinding.Bind(root.Section("applications"));
        var services = new OrderedDictionary<string, ServiceSettings>(StringComparer.Ordinal);
        var repositoryNames = repositoryEntries.Select(entry => entry.Name).ToList();
        var serviceEntries = root.Entries("services", "service");
        foreach (var entry in serviceEntries)
        {
            if (Service(entry, repositoryNames) is { } service)
            {
                services.Add(entry.Name, service);
            }
        }
        ServiceOrder.Check(serviceEntries, services);
        root.Close();
        return new PitrConfiguration
        {
            FilePath = reading.File,
            StateDirectory = stateDirectory,
            Agent = agent,
            Log = log,
            Repositories = repositories,
            Encryption = encryption,
            Services = services,
            Applications = applications,
            Overrides = reading.Overrides,
            SecretVariables = reading.References,
        };
    }

    static AgentSettings Agent(YamlSection section)
    {
        var socket = section.Path("socket", AgentSettings.DefaultSocket);
        if (Encoding.UTF8.GetByteCount(socket) > LongestSocketPath)
        {
            section.Report(
                section.Where,
                $"{section.Of("socket")} is longer than the {LongestSocketPath} bytes a Unix socket may have",
                "choose a shorter path");
        }
        section.Close();
        return new AgentSettings(socket);
    }

    static LogSettings Log(YamlSection section)
    {
        var settings = new LogSettings(section.Choice("level", LogSettings.DefaultLevel, LogSettings.Levels), section.OptionalPath("file"));
        section.Close();
        return settings;
    }

    static OrderedDictionary<string, RepositorySettings> Repositories(IReadOnlyList<YamlSection> entries)
    {
        var repositories = new OrderedDictionary<string, RepositorySettings>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            if (RepositoryBinding.Bind(entry) is not ({ } repository, var where))
            {
                continue;
            }
            if (repositories.Values.FirstOrDefault(other => string.Equals(other.Driver.Place, repository.Driver.Place, StringComparison.Ordinal)) is { } same)
            {
                // A copy on the same disk under a second name is no second copy.
                entry.Report(where, $"{entry.Of("url")} is the place of repository \"{same.Name}\" too", "give each repository its own place");
            }
            repositories.Add(entry.Name, repository);
        }
        return repositories;
    }

    internal static RetrySettings Retry(YamlSection section)
    {
        var defaults = RetrySettings.Default;
        var shortest = TimeSpan.FromMilliseconds(1);
        var settings = new RetrySettings(
            section.Duration("deadline", defaults.Deadline, Shortest, LongestWait),
            section.Duration("first-delay", defaults.FirstDelay, shortest, LongestWait),
            section.Duration("max-delay", defaults.MaxDelay, shortest, LongestWait));
        if (settings.FirstDelay > settings.MaxDelay)
        {
            section.Report(
                section.Where,
                $"{section.Of("first-delay")} ({ConfigurationUnits.Format(settings.FirstDelay)}) is longer than "
                    + $"\"max-delay\" ({ConfigurationUnits.Format(settings.MaxDelay)})",
                "delays grow from the first to the longest");
        }
        section.Close();
        return settings;
    }

    static EncryptionSettings Encryption(YamlSection section)
    {
        var recipients = section.RequiredPaths("recipients");
        var identity = section.OptionalPath("identity");
        var passphrase = section.Secret("passphrase");
        section.Close();
        return new EncryptionSettings(recipients, identity, passphrase);
    }

    static ServiceSettings? Service(YamlSection section, IReadOnlyList<string> repositoryNames)
    {
        string[] kinds = [PostgresServiceSettings.KindName, FilesServiceSettings.KindName, .. DumpServiceBinding.Kinds];
        if (section.RequiredText("kind", $"one of {string.Join(", ", kinds)}") is not { } kind)
        {
            section.LeaveUnread();
            return null;
        }
        if (!kinds.Contains(kind.Text))
        {
            section.Report(
                kind.Where,
                $"{section.Of("kind")} can not be \"{kind.Text}\" in this version",
                NearestName.Hint(kind.Text, kinds, "possible values"));
            section.LeaveUnread();
            return null;
        }
        var repositories = ServiceRepositories(section, repositoryNames);
        var required = RequiredRepositories(section, repositories.Count);
        var objectives = Objectives(section.Section("objectives"));
        var retention = Retention(section.Section("retention"));
        var after = section.OptionalList("after", "list of service names").Select(name => name.Text).ToArray();
        var applications = ApplicationBinding.Bind(section.Section("applications"));
        ServiceSettings service = kind.Text switch
        {
            PostgresServiceSettings.KindName => PostgresServiceBinding.Bind(section, repositories, objectives, retention),
            FilesServiceSettings.KindName => FilesServiceBinding.Bind(section, repositories, objectives, retention),
            _ => DumpServiceBinding.Bind(kind.Text, section, repositories, objectives, retention),
        };
        section.Close();
        return service with { RequiredRepositories = required, After = after, Applications = applications };
    }

    static List<string> ServiceRepositories(YamlSection section, IReadOnlyList<string> known)
    {
        var names = new List<string>();
        foreach (var name in section.RequiredList("repositories", "list of repository names"))
        {
            if (known.Contains(name.Text))
            {
                names.Add(name.Text);
            }
            else if (known.Count > 0)
            {
                section.Report(
                    name.Where,
                    $"{section.Of("repositories")} names \"{name.Text}\", which is no repository here",
                    NearestName.Hint(name.Text, known, "configured repositories"));
            }
        }
        return names;
    }

    static int RequiredRepositories(YamlSection section, int count)
    {
        const string all = "all";
        if (section.OptionalText("required", "all or integer 1 to the number of repositories", all) is not { } value || value.Text == all)
        {
            return count;
        }
        if (int.TryParse(value.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= count)
        {
            return number;
        }
        // Where no repository of the list was right, that has been said; how many would do is not known then.
        if (count > 0)
        {
            section.Report(value.Where, $"{section.Of("required")} can not be \"{value.Text}\"", $"{all}, or a whole number from 1 to {count}: the repositories there are");
        }
        return count;
    }

    static ObjectiveSettings Objectives(YamlSection section)
    {
        var defaults = ObjectiveSettings.Default;
        var settings = new ObjectiveSettings(
            section.Duration("rpo", defaults.Rpo, Shortest, LongestObjective),
            section.Duration("rto", defaults.Rto, Shortest, LongestObjective));
        section.Close();
        return settings;
    }

    static RetentionSettings Retention(YamlSection section)
    {
        var defaults = RetentionSettings.Default;
        var settings = new RetentionSettings(
            section.Duration("window", defaults.Window, TimeSpan.Zero, LongestWindow),
            section.Integer("daily", defaults.Daily, 0, MostBackups),
            section.Integer("weekly", defaults.Weekly, 0, MostBackups),
            section.Integer("monthly", defaults.Monthly, 0, MostBackups),
            section.Integer("yearly", defaults.Yearly, 0, MostBackups),
            section.Integer("minimum", defaults.Minimum, 1, MostBackups))
        {
            TimeZone = TimeZone(section, "time-zone", defaults.TimeZone),
        };
        section.Close();
        return settings;
    }

    static TimeZoneInfo TimeZone(YamlSection section, string key, TimeZoneInfo otherwise)
    {
        if (section.OptionalText(key, "time zone", otherwise.Id) is not { } zone)
        {
            return otherwise;
        }

        if (TimeZoneInfo.TryFindSystemTimeZoneById(zone.Text, out var found))
        {
            return found;
        }

        section.Report(zone.Where, $"{section.Of(key)} is \"{zone.Text}\", which is no time zone known here", "use a name like Asia/Seoul or UTC; the package tzdata has the names");
        return otherwise;
    }

    internal static BackupSettings Backup(YamlSection section)
    {
        var defaults = BackupSettings.Default;
        var settings = PackKeys(section, BackupSettings.Methods.Read(section, "method", defaults.Method)) with
        {
            WalDeadline = section.Duration("wal-deadline", defaults.WalDeadline, Shortest, LongestWait),
        };
        section.Close();
        return settings;
    }

    /// <summary>The same of a service that has no WAL, and one way to be read.</summary>
    internal static BackupSettings Packs(YamlSection section)
    {
        var settings = PackKeys(section, BackupMethod.Direct);
        section.Close();
        return settings;
    }

    static BackupSettings PackKeys(YamlSection section, BackupMethod method)
    {
        var defaults = BackupSettings.Default;
        return new BackupSettings(
            method,
            section.Integer("compression-level", defaults.CompressionLevel, 1, 19),
            section.Integer("jobs", defaults.Jobs, 1, BackupSettings.MaximumJobs, "number of processors"))
        {
            PackSize = section.Size("pack-size", defaults.PackSize, MebiByte, 256L * MebiByte),
            DeadSpace = section.Integer("dead-space", defaults.DeadSpace, 0, 95),
            Limit = section.OptionalRate("limit", ConfigurationUnits.SlowestRate),
        };
    }

    internal static WalSettings Wal(YamlSection section, string service)
    {
        var defaults = WalSettings.Default;
        var settings = new WalSettings(
            section.Integer("compression-level", defaults.CompressionLevel, 1, 19),
            section.Duration("push-deadline", defaults.PushDeadline, Shortest, LongestWait),
            section.Duration("get-deadline", defaults.GetDeadline, Shortest, LongestWait))
        {
            Prefetch = section.Integer("prefetch", defaults.Prefetch, 0, 1024),
            PrefetchSize = section.Size("prefetch-size", defaults.PrefetchSize, MebiByte, 64L << 30),
            Stream = StreamBinding.Bind(section, service),
        };
        section.Close();
        return settings;
    }
}
