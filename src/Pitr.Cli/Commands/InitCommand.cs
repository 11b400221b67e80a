using System.CommandLine;
using System.CommandLine.Completions;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Setup;

namespace Pitr.Cli.Commands;

/// <summary>`pitr init`: key pair, configuration, repository, and what to tell PostgreSQL.</summary>
static class InitCommand
{
    static readonly Option<string> ServiceName = new("--service") { Description = "Name of the service to protect", DefaultValueFactory = _ => "main" };
    static readonly Option<string?> DataDirectory = new("--data-directory") { Description = "PostgreSQL's data directory", HelpName = "DIR" };
    static readonly Option<string?> Connection = new("--connection") { Description = "How to reach the server", HelpName = "TEXT" };
    static readonly Option<string?> Repository = new("--repository") { Description = "Where backups and WAL are kept", HelpName = "URL" };
    static readonly Option<string[]> RepositoryOption = new("--repository-option")
    {
        Description = "A key of the repository (docs/configuration.md); may be repeated. Secrets only as ${VARIABLE} or file:/path",
        HelpName = "KEY=VALUE",
    };
    static readonly Option<string> RepositoryName = new("--repository-name") { Description = "Its name in the configuration", DefaultValueFactory = _ => "local" };
    static readonly Option<string?> StateDirectory = new("--state-directory") { Description = "This host's private files (default /var/lib/pitr)", HelpName = "DIR" };
    static readonly Option<string?> Socket = new("--socket") { Description = "The agent's socket (default /run/pitr/agent.sock)", HelpName = "PATH" };
    static readonly Option<string?> BinDirectory = new("--bin-directory") { Description = "Where PostgreSQL's programs are, when not in the usual places", HelpName = "DIR" };
    static readonly Option<bool> Protect = new("--protect-identity") { Description = "Protect the identity with the passphrase in $PITR_PASSPHRASE" };
    static readonly Option<bool> Apply = new("--apply") { Description = "Set what archiving needs with ALTER SYSTEM; with a configuration that exists already, do only that" };
    static readonly Option<bool> Force = new("--force") { Description = "Replace an existing configuration file (never the keys)" };

    public static Command Create()
    {
        Repository.CompletionSources.Add(_ => [.. ConfigurationText.RepositorySchemes.Select(scheme => new CompletionItem(scheme + "://"))]);
        var command = new Command(
            "init",
            """
            Make a first set-up: configuration, key pair and repository; say what PostgreSQL needs.

              pitr init --service main --data-directory /var/lib/postgresql/15/main --repository file:///backup/pitr
              pitr init --config ~/pitr/pitr.yaml --state-directory ~/pitr/state --socket ~/pitr/agent.sock \
                        --connection "Host=/tmp;Port=5433;Username=me" --repository file:///backup/pitr --apply

            Repositories elsewhere; secrets are named, never given:
              --repository s3://bucket/prefix --repository-option endpoint=https://s3.example.net \
                  --repository-option 'access-key=${S3_KEY}' --repository-option secret-key=file:/etc/pitr/s3-secret
              --repository sftp://pitr@box.example.net/backup/pitr --repository-option identity-file=/etc/pitr/sftp_key
              --repository ftp://pitr@box.example.net/backup --repository-option password=file:/etc/pitr/ftp-password
            """)
        {
            ServiceName, DataDirectory, Connection, Repository, RepositoryOption, RepositoryName, StateDirectory, Socket, BinDirectory, Protect, Apply, Force,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(DataDirectory) is not null)
        {
            RootRefusal.Require("PostgreSQL's archiver could not read files that root makes", "init");
        }

        var path = Path.GetFullPath(ConfigurationLoader.FindPath(parsed.GetValue(GlobalOptions.Config), Environment.GetEnvironmentVariable));
        var service = parsed.GetValue(ServiceName)!;
        var made = !(File.Exists(path) && parsed.GetValue(Apply) && !parsed.GetValue(Force));
        var configuration = made ? await MakeAsync(parsed, path, service, cancellation) : ConfigurationLoader.Load(path, Environment.GetEnvironmentVariable);
        var settings = configuration.PostgresService(service);
        var advice = ServerSettingAdvice.For(CommandContext.ArchiveCommands(configuration, settings.ArchiveProgram).Push(service));
        var applied = parsed.GetValue(Apply) ? await ServerSettingsApplied.ApplyAsync(settings.RevealConnection(), advice, cancellation) : null;
        if (parsed.GetValue(GlobalOptions.Output) == OutputFormat.Json)
        {
            Json.Write(ToJson(configuration, advice, applied));
        }
        else
        {
            if (made)
            {
                PrintMade(configuration);
            }

            PrintSettings(service, advice, applied);
        }

        return ExitCodes.Success;
    }

    static async Task<PitrConfiguration> MakeAsync(ParseResult parsed, string path, string service, CancellationToken cancellation)
    {
        using var log = LogSetup.Create(new LogSettings("warning", null), Serilog.Events.LogEventLevel.Warning);
        var environment = Variables();
        var passphrase = parsed.GetValue(Protect)
            ? environment.GetValueOrDefault("PITR_PASSPHRASE") ?? throw new RefusedInputException("--protect-identity needs the passphrase in $PITR_PASSPHRASE", "read -rs PITR_PASSPHRASE; export PITR_PASSPHRASE")
            : null;
        var wanted = new NewConfiguration
        {
            ServiceName = service,
            RepositoryUrl = parsed.GetValue(Repository) ?? throw new RefusedInputException("--repository is missing: where are backups and WAL kept?", "for example --repository file:///backup/pitr"),
            RepositoryOptions = RepositoryOptions.Parse(parsed.GetValue(RepositoryOption) ?? []),
            RepositoryName = parsed.GetValue(RepositoryName)!,
            RecipientFiles = [],
            StateDirectory = parsed.GetValue(StateDirectory),
            Socket = parsed.GetValue(Socket),
            DataDirectory = parsed.GetValue(DataDirectory),
            BinDirectory = parsed.GetValue(BinDirectory),
            Connection = parsed.GetValue(Connection) ?? PostgresServiceSettings.DefaultConnection,
            PassphraseReference = passphrase is null ? null : "${PITR_PASSPHRASE}",
        };
        return await new InitRun(CommandContext.Clock, log, environment).RunAsync(new InitRequest(path, wanted, passphrase, parsed.GetValue(Force)), cancellation);
    }

    static Dictionary<string, string> Variables() =>
        Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);

    static JsonObject ToJson(PitrConfiguration configuration, IReadOnlyList<ServerSettingAdvice> advice, ServerSettingsApplied? applied) => new()
    {
        ["format"] = 1,
        ["configuration"] = configuration.FilePath,
        ["identity"] = configuration.Encryption.IdentityFile,
        ["recipients"] = Json.Array(configuration.Encryption.RecipientFiles, r => r),
        ["settings"] = Json.Array(advice, a => new JsonObject { ["name"] = a.Name, ["value"] = a.Value, ["why"] = a.Why }),
        ["applied"] = applied is null ? null : new JsonObject
        {
            ["changed"] = Json.Array(applied.Changed, c => c),
            ["restart-needed"] = Json.Array(applied.RestartNeeded, c => c),
        },
    };

    static void PrintMade(PitrConfiguration configuration)
    {
        Console.WriteLine(
            $"""
            Written:
              {configuration.FilePath}   the configuration
              {configuration.Encryption.IdentityFile}   the identity: the private key that opens every backup
              {configuration.Encryption.RecipientFiles[0]}   the recipient: the public key that everything is sealed to

            Recovery kit. Without the identity nothing can be restored, so do this now:
              1. Copy {configuration.Encryption.IdentityFile} to two places that do not burn together with this host
                 (a password manager, an offline medium in a safe).
              2. Better yet, add an escrow key that never was on this host. On another machine:
                   pitr key new --identity escrow.pem --recipient escrow-recipient.pem
                 bring escrow-recipient.pem here, name it under encryption.recipients, and for keys that exist already:
                   pitr key add-recipient escrow-recipient.pem
              3. This host needs the identity only for restore, verify and drill. Where those run elsewhere, take it away from here
                 and remove encryption.identity: backups then cannot be read by whoever takes over this host.

            """);
    }

    static void PrintSettings(string service, IReadOnlyList<ServerSettingAdvice> advice, ServerSettingsApplied? applied)
    {
        if (applied is null)
        {
            Console.WriteLine("PostgreSQL needs these settings (postgresql.conf, or `pitr init --apply`):");
            foreach (var setting in advice)
            {
                Console.WriteLine($"  {setting.ToLine()}");
            }

            Console.WriteLine("archive_mode and wal_level take effect after a restart, the others after a reload.");
        }
        else
        {
            Console.WriteLine(applied.Changed.Count == 0
                ? "PostgreSQL already has every setting it needs."
                : $"Set with ALTER SYSTEM and reloaded: {string.Join(", ", applied.Changed)}.");
            Console.WriteLine(applied.RestartNeeded.Count == 0
                ? "No restart is needed."
                : $"A RESTART OF POSTGRESQL IS NEEDED for {string.Join(", ", applied.RestartNeeded)}.");
        }

        Console.WriteLine($"\nNext: start `pitr agent`, then `pitr check {service}`, then `pitr backup {service}`.");
    }
}
