using Pitr.Operations.Configuration;

namespace Pitr.Operations.Setup;

/// <summary>Writes the commands that PostgreSQL runs: archive_command and restore_command.</summary>
/// <param name="program">Absolute path of pitr-archive.</param>
/// <param name="configuration">The configuration the commands refer to.</param>
public sealed class ArchiveCommandLine(string program, PitrConfiguration configuration)
{
    string Socket { get; init; } = configuration.Agent.Socket;

    IReadOnlyList<string> Repositories { get; init; } = [];

    /// <summary>Where the configuration is looked for when nobody names another place.</summary>
    public const string DefaultConfigurationPath = "/etc/pitr/pitr.yaml";

    /// <summary>The same commands, asking at another socket than the configured agent's.</summary>
    public ArchiveCommandLine WithSocket(string path) => new(program, configuration) { Socket = path, Repositories = Repositories };

    /// <summary>The same commands, getting from these repositories only.</summary>
    public ArchiveCommandLine WithRepositories(IReadOnlyList<string> names) => new(program, configuration) { Socket = Socket, Repositories = names };

    /// <summary>The value of archive_command.</summary>
    public string Push(string service) => $"{Prefix()} push {service} %p";

    /// <summary>The value of restore_command.</summary>
    /// <param name="service">The service.</param>
    /// <param name="standby">Of a standby, which asks again and must not be stopped by a passing fault; never of a point-in-time recovery.</param>
    public string Get(string service, bool standby = false) => $"{Prefix()} get {service} %f %p{(standby ? " --standby" : "")}{(Repositories.Count == 0 ? "" : $" --repository {string.Join(',', Repositories)}")}";

    string Prefix()
    {
        var words = new List<string> { Quote(program) };
        if (configuration.FilePath != DefaultConfigurationPath)
        {
            words.Add($"--config {Quote(configuration.FilePath)}");
        }

        if (Socket != AgentSettings.DefaultSocket)
        {
            words.Add($"--socket {Quote(Socket)}");
        }

        return string.Join(' ', words);
    }

    // PostgreSQL replaces %-escapes first and hands the rest to sh.
    static string Quote(string path)
    {
        var escaped = path.Replace("%", "%%", StringComparison.Ordinal);
        return escaped.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or '%' or '+' or ':' or '@')
            ? escaped
            : $"'{escaped.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }
}
