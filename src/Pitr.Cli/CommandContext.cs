using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Agent;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
using Pitr.Storage;
using Serilog;
using Serilog.Events;
using Spectre.Console;

namespace Pitr.Cli;

/// <summary>What every command starts from: the global options, the configuration, the log.</summary>
sealed class CommandContext : IDisposable
{
    readonly ParseResult _parsed;
    readonly Lazy<PitrConfiguration> _configuration;
    readonly Lazy<Serilog.Core.Logger> _log;

    public CommandContext(ParseResult parsed, LogEventLevel consoleLevel = LogEventLevel.Warning)
    {
        _parsed = parsed;
        Output = parsed.GetValue(GlobalOptions.Output) == OutputFormat.Json ? OutputFormat.Json : OutputFormat.Text;
        _configuration = new(() => ConfigurationLoader.Load(ConfigurationPath, Environment.GetEnvironmentVariable));
        _log = new(() => LogSetup.Create(_configuration.Value.Log, parsed.GetValue(GlobalOptions.Verbose) ? LogEventLevel.Debug : consoleLevel));
    }

    /// <summary>Text for people or JSON for programs.</summary>
    public OutputFormat Output { get; }

    /// <summary>Where the configuration is.</summary>
    public string ConfigurationPath => ConfigurationLoader.FindPath(_parsed.GetValue(GlobalOptions.Config), Environment.GetEnvironmentVariable);

    /// <summary>The configuration, read on first use.</summary>
    public PitrConfiguration Configuration => _configuration.Value;

    /// <summary>The log.</summary>
    public ILogger Log => _log.Value;

    /// <summary>Source of time.</summary>
    public static TimeProvider Clock => TimeProvider.System;

    /// <summary>This program's version.</summary>
    public static string Version => typeof(CommandContext).Assembly.GetName().Version!.ToString(3);

    /// <summary>Opens the named service; without a name the only one there is.</summary>
    /// <param name="name">The service.</param>
    /// <param name="repositories">Opens it with these of its repositories only; none means all.</param>
    public PostgresService OpenService(string? name, IReadOnlyList<string>? repositories = null)
    {
        var chosen = ChooseService(name);
        return new(Only(chosen, repositories), chosen, Clock, Log, AskPassphrase);
    }

    /// <summary>Opens the named service whose backups are dumps.</summary>
    /// <inheritdoc cref="OpenService"/>
    public DumpService OpenDumpService(string? name, IReadOnlyList<string>? repositories = null)
    {
        var chosen = ChooseService(name);
        return new(Only(chosen, repositories), chosen, Clock, Log, AskPassphrase);
    }

    /// <summary>Opens the named service of kind files.</summary>
    /// <inheritdoc cref="OpenService"/>
    public FilesService OpenFilesService(string? name, IReadOnlyList<string>? repositories = null)
    {
        var chosen = ChooseService(name);
        return new(Only(chosen, repositories), chosen, Clock, Log, AskPassphrase);
    }

    /// <summary>Opens the named service, whose backups are packs with a manifest.</summary>
    /// <inheritdoc cref="OpenService"/>
    public PackedService OpenPackedService(string? name, IReadOnlyList<string>? repositories = null) =>
        HasFiles(name) ? OpenFilesService(name, repositories) : OpenService(name, repositories);

    /// <summary>Opens the named service, of whichever kind.</summary>
    /// <inheritdoc cref="OpenService"/>
    public OpenedService OpenAnyService(string? name, IReadOnlyList<string>? repositories = null) =>
        HasDumps(name) ? OpenDumpService(name, repositories) : OpenPackedService(name, repositories);

    /// <summary>Whether the named service is of kind files; without a name the only one there is.</summary>
    public bool HasFiles(string? name) => Configuration.Service(ChooseService(name)) is FilesServiceSettings;

    /// <summary>Whether the backups of the named service are dumps; without a name those of the only one there is.</summary>
    public bool HasDumps(string? name) => Configuration.Service(ChooseService(name)) is DumpServiceSettings;

    PitrConfiguration Only(string service, IReadOnlyList<string>? repositories) =>
        repositories is { Count: > 0 } ? Configuration.OnlyRepositories(service, repositories) : Configuration;

    /// <summary>Opens the named repository.</summary>
    public IObjectStore OpenRepository(string name) => RepositoryOpener.Open(Configuration.Repository(name), Clock, Log);

    /// <summary>Opens the named repository as a mirror of one.</summary>
    public RepositorySet OpenAlone(string name) =>
        new([OpenRepository(name)], required: 1, new DebtLedger(DebtLedger.DirectoryBelow(Path.Combine(Configuration.StateDirectory, "repositories", name))), Clock, Log);

    /// <summary>Answers requests of pitr-archive.</summary>
    public ArchiveRequestHandler CreateArchiveHandler() => new((name, repositories) => OpenService(name, repositories), new ArchiveFailures(), Log);

    /// <summary>Answers requests for a cluster that is being recovered, from the repositories that answered when its recovery was planned.</summary>
    public ArchiveRequestHandler CreateArchiveHandler(PostgresService planned) =>
        new((name, _) => OpenService(name, planned.Repositories.Answered), new ArchiveFailures(), Log);

    /// <summary>Writes the commands that PostgreSQL runs.</summary>
    public ArchiveCommandLine ArchiveCommands(string service) => ArchiveCommands(Configuration, Configuration.PostgresService(service).ArchiveProgram);

    /// <summary>Writes the commands that PostgreSQL runs, for a configuration that was just made.</summary>
    public static ArchiveCommandLine ArchiveCommands(PitrConfiguration configuration, string? program) =>
        new(program ?? Path.Combine(Path.GetDirectoryName(Environment.ProcessPath)!, "pitr-archive"), configuration);

    /// <summary>The named service; without a name the only one there is.</summary>
    public string ChooseService(string? name)
    {
        if (name is not null)
        {
            return name;
        }

        return Configuration.Services.Count == 1
            ? Configuration.Services.Keys.Single()
            : throw new RefusedInputException(
                $"which service? the configuration has {string.Join(", ", Configuration.Services.Keys)}",
                "name one after the command");
    }

    /// <summary>Asks for the passphrase on a terminal; null where there is none.</summary>
    public static string? AskPassphrase() => Passphrase.Value;

    // Asked once, however many services need it.
    static readonly Lazy<string?> Passphrase = new(() =>
    {
        if (Console.IsInputRedirected)
        {
            return null;
        }

        return AnsiConsole.Prompt(new TextPrompt<string>("Passphrase of the identity:").Secret());
    });

    public void Dispose()
    {
        if (_log.IsValueCreated)
        {
            _log.Value.Dispose();
        }
    }
}
