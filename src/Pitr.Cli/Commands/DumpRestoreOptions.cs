using System.CommandLine;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;

namespace Pitr.Cli.Commands;

/// <summary>What `pitr restore` is told of a service whose backups are dumps.</summary>
sealed class DumpRestoreOptions
{
    static readonly Option<string?> Database = new("--database") { Description = "Dumps: the only database (qdrant: collection) to bring back", HelpName = "NAME" };
    static readonly Option<string?> Into = new("--into") { Description = "Dumps: the name it gets instead of its own; made if it is not there", HelpName = "NAME" };
    static readonly Option<string[]> Tables = new("--table", "-t") { Description = "postgres-dump: only this table, without its indexes and constraints, as pg_restore does it. May be given several times", HelpName = "NAME" };
    static readonly Option<string[]> Schemas = new("--schema", "-n") { Description = "postgres-dump: only what is in this schema, which must be there. May be given several times", HelpName = "NAME" };
    static readonly Option<bool> Globals = new("--globals") { Description = "postgres-dump: first make roles and tablespaces; mysql: at last make users and roles; those that are there stay. mongodb: everything, users, roles and oplog included, into an empty server" };
    static readonly Option<bool> Drop = new("--drop") { Description = "mongodb: collections that are there under the same names are dropped first" };
    static readonly Option<bool> NoOwner = new("--no-owner") { Description = "postgres-dump: everything belongs to the role that connects, and nothing is granted" };

    static readonly Option[] All = [Database, Into, Tables, Schemas, Globals, Drop, NoOwner];

    /// <summary>Adds the options to a command.</summary>
    public static void AddTo(Command command)
    {
        foreach (var option in All)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Whether the service that a command line names has dumps; false when that cannot be told, which the command itself then says.</summary>
    public static bool IsMeant(string? service, string? config)
    {
        try
        {
            var configuration = ConfigurationLoader.Load(ConfigurationLoader.FindPath(config, Environment.GetEnvironmentVariable), Environment.GetEnvironmentVariable);
            return service is not null && configuration.Service(service) is DumpServiceSettings;
        }
        catch (ConfigurationException)
        {
            return false;
        }
    }

    /// <summary>Refuses the options for a service of kind postgres.</summary>
    /// <exception cref="RefusedInputException">One of them was given.</exception>
    public static void RequireNone(ParseResult parsed)
    {
        if (All.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new RefusedInputException($"{given.Name} is for services whose backups are dumps", "to bring back a table, schema or database of this one: pitr extract --help");
        }
    }

    /// <summary>Refuses everything that was given and is not for dumps.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="kept">What is for every kind of service.</param>
    /// <exception cref="RefusedInputException">Something was.</exception>
    public static void RequireNoOther(ParseResult parsed, params Option[] kept)
    {
        if (parsed.CommandResult.Command.Options.Except(All).Except(kept).FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new RefusedInputException($"{given.Name} is for services of kind postgres", "a dump has one moment, that of its backup: pitr restore SERVICE [BACKUP|latest]");
        }
    }

    /// <summary>What was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="directory">Where a file goes; null if none was named.</param>
    public static DumpSelection Read(ParseResult parsed, string? directory) => new(parsed.GetValue(Database), parsed.GetValue(Into))
    {
        Tables = parsed.GetValue(Tables) ?? [],
        Schemas = parsed.GetValue(Schemas) ?? [],
        Globals = parsed.GetValue(Globals),
        Drop = parsed.GetValue(Drop),
        NoOwner = parsed.GetValue(NoOwner),
        Directory = directory is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)),
    };

    /// <summary>Which backup a word names; null for the newest.</summary>
    /// <exception cref="RefusedInputException">It names none.</exception>
    public static BackupId? ReadBackup(string? word) => word switch
    {
        null or "latest" => null,
        _ when BackupId.TryParse(word, out var id) => id,
        _ => throw new RefusedInputException($"\"{word}\" is no backup", "latest, or the id of one: `pitr info` lists them"),
    };
}
