namespace Pitr.Operations.Configuration;

/// <summary>
/// The whole configuration, checked and with every default filled in. Nothing in it prints a secret, so it may be logged.
/// Made by <see cref="ConfigurationLoader.Load(string, Func{string, string?})"/>.
/// </summary>
public sealed record PitrConfiguration
{
    /// <summary>Where pitr keeps what it may lose (caches, spool) when the configuration does not say.</summary>
    public const string DefaultStateDirectory = "/var/lib/pitr";

    /// <summary>Path of the file this was read from, as given to the loader.</summary>
    public required string FilePath { get; init; }

    /// <summary>Absolute path of the directory for caches and spool. Losing it loses no backup.</summary>
    public string StateDirectory { get; init; } = DefaultStateDirectory;

    /// <summary>The agent of this host.</summary>
    public AgentSettings Agent { get; init; } = new(AgentSettings.DefaultSocket);

    /// <summary>What is logged, and where to.</summary>
    public LogSettings Log { get; init; } = new(LogSettings.DefaultLevel, File: null);

    /// <summary>Every repository by name, in the order of the file; at least one.</summary>
    public required IReadOnlyDictionary<string, RepositorySettings> Repositories { get; init; }

    /// <summary>Whom objects are sealed to, and who opens them.</summary>
    public required EncryptionSettings Encryption { get; init; }

    /// <summary>Every service by name, in the order of the file; at least one.</summary>
    public required IReadOnlyDictionary<string, ServiceSettings> Services { get; init; }

    /// <summary>How the applications of all services together are stopped and started around the restore of a group.</summary>
    public ApplicationSettings Applications { get; init; } = ApplicationSettings.Default;

    /// <summary>Names of the environment variables that replaced a value of the file, in ordinal order.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>Names of the environment variables that secrets refer to, in ordinal order.</summary>
    public IReadOnlyList<string> SecretVariables { get; init; } = [];

    /// <summary>The service with that name.</summary>
    /// <exception cref="ConfigurationException">No service has that name; the hint gives the nearest and all.</exception>
    public ServiceSettings Service(string name) =>
        Services.TryGetValue(name, out var service) ? service : throw Missing("service", name, Services.Keys);

    /// <summary>The PostgreSQL service with that name.</summary>
    /// <exception cref="ConfigurationException">No service has that name, or it is of another kind.</exception>
    public PostgresServiceSettings PostgresService(string name) =>
        Service(name) as PostgresServiceSettings ?? throw new ConfigurationException(new ConfigurationProblem(
            FilePath,
            0,
            0,
            $"service \"{name}\" is of kind \"{Services[name].Kind}\", but this needs one of kind \"{PostgresServiceSettings.KindName}\"",
            Services[name] is FilesServiceSettings ? FilesServiceSettings.WhatThereIs : DumpServiceSettings.WhatThereIs));

    /// <summary>The service of kind files with that name.</summary>
    /// <exception cref="ConfigurationException">No service has that name, or it is of another kind.</exception>
    public FilesServiceSettings FilesService(string name) =>
        Service(name) as FilesServiceSettings ?? throw new ConfigurationException(new ConfigurationProblem(
            FilePath,
            0,
            0,
            $"service \"{name}\" is of kind \"{Services[name].Kind}\", but this needs one of kind \"{FilesServiceSettings.KindName}\"",
            null));

    /// <summary>The service with that name, whose backups are dumps.</summary>
    /// <exception cref="ConfigurationException">No service has that name, or it is of kind postgres.</exception>
    public DumpServiceSettings DumpService(string name) =>
        Service(name) as DumpServiceSettings ?? throw new ConfigurationException(new ConfigurationProblem(
            FilePath,
            0,
            0,
            $"service \"{name}\" is of kind \"{Services[name].Kind}\", whose backups are no dumps",
            null));

    /// <summary>The same configuration with some of a service's repositories only, all of which are required then.</summary>
    /// <exception cref="ConfigurationException">There is no such service, or it has no repository of that name.</exception>
    public PitrConfiguration OnlyRepositories(string service, IReadOnlyList<string> names)
    {
        var settings = Service(service);
        foreach (var name in names)
        {
            if (!settings.Repositories.Contains(name))
            {
                throw Missing($"repository of service {service}", name, settings.Repositories);
            }
        }

        var kept = settings.Repositories.Where(names.Contains).ToArray();
        var services = new OrderedDictionary<string, ServiceSettings>(Services, StringComparer.Ordinal)
        {
            [service] = settings with { Repositories = kept, RequiredRepositories = kept.Length },
        };
        return this with { Services = services };
    }

    /// <summary>The repository with that name.</summary>
    /// <exception cref="ConfigurationException">No repository has that name; the hint gives the nearest and all.</exception>
    public RepositorySettings Repository(string name) =>
        Repositories.TryGetValue(name, out var repository) ? repository : throw Missing("repository", name, Repositories.Keys);

    /// <summary>
    /// Reads every secret once and forgets it, so that a check finds a missing variable or a loose file before a restore does.
    /// </summary>
    /// <exception cref="ConfigurationException">Names every key whose secret can not be had.</exception>
    public void RequireSecrets()
    {
        var problems = new List<ConfigurationProblem>();
        foreach (var secret in Secrets)
        {
            try
            {
                secret.Reveal();
            }
            catch (ConfigurationException e)
            {
                problems.AddRange(e.Problems);
            }
        }
        if (problems.Count > 0)
        {
            throw new ConfigurationException(problems);
        }
    }

    /// <summary>Every secret the configuration mentions.</summary>
    internal IEnumerable<SecretValue> Secrets =>
        Services.Values.SelectMany(service => service switch { PostgresServiceSettings postgres => [postgres.Password], DumpServiceSettings dump => dump.Secrets, _ => Array.Empty<SecretValue?>() })
            .Append(Encryption.Passphrase)
            .Concat(Repositories.Values.SelectMany(repository => repository.Driver.Secrets))
            .OfType<SecretValue>();

    ConfigurationException Missing(string what, string name, IEnumerable<string> known) =>
        new(new ConfigurationProblem(
            FilePath,
            0,
            0,
            $"no {what} is named \"{name}\"",
            NearestName.Hint(name, known, $"configured {what} names")));
}
