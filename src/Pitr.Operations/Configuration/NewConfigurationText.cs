using System.Text;

namespace Pitr.Operations.Configuration;

/// <summary>The file <c>pitr init</c> writes: what was decided as keys, what may be changed later as comments with its default.</summary>
static class NewConfigurationText
{
    public static string Render(NewConfiguration given)
    {
        var text = new StringBuilder();
        text.Append(
            """
            # Configuration of pitr. Every key is described in docs/configuration.md; "pitr config check" reads this file.
            # Durations: 30s, 5m, 2h, 7d. Sizes: 16MiB (2^20), 50MB (10^6). Paths are absolute.
            # Any value can be overridden by the environment: PITR_ and its path in capitals, __ between levels, _ for -.


            """);
        Line(text, 0, "state-directory", given.StateDirectory, PitrConfiguration.DefaultStateDirectory);
        text.Append("\nagent:\n");
        Line(text, 2, "socket", given.Socket, AgentSettings.DefaultSocket);
        text.Append("\nlog:\n");
        Line(text, 2, "level", null, LogSettings.DefaultLevel);
        Line(text, 2, "file", null, "/var/log/pitr/pitr.log");

        text.Append("\n# Places objects are kept. A service may use several.\nrepositories:\n");
        text.Append($"  {given.RepositoryName}:\n");
        Line(text, 4, "url", given.RepositoryUrl);
        Repository(text, given.RepositoryOptions);

        text.Append("\n# Everything stored is sealed to the recipients, and only an identity opens it: keep a copy of yours away from this host,\n");
        text.Append("# or add the public half of an escrow key to the recipients.\nencryption:\n");
        text.Append("  recipients:\n");
        foreach (var recipient in given.RecipientFiles)
        {
            text.Append("    - ").Append(YamlScalarText.Quote(recipient)).Append('\n');
        }
        Line(text, 2, "identity", given.IdentityFile, "/etc/pitr/identity.pem");
        Line(text, 2, "passphrase", given.PassphraseReference, "file:/etc/pitr/passphrase");

        text.Append($"\nservices:\n  {given.ServiceName}:\n");
        Service(text, given);
        return text.ToString();
    }

    static void Repository(StringBuilder text, IReadOnlyList<KeyValuePair<string, string>> options)
    {
        foreach (var section in options.GroupBy(option => SectionOf(option.Key), StringComparer.Ordinal).OrderBy(section => section.Key.Length))
        {
            if (section.Key.Length > 0)
            {
                text.Append("    ").Append(section.Key).Append(":\n");
            }
            foreach (var (key, value) in section)
            {
                Line(text, section.Key.Length > 0 ? 6 : 4, key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..], value);
            }
        }

        static string SectionOf(string key) => key[..Math.Max(0, key.IndexOf('.', StringComparison.Ordinal))];
    }

    static void Service(StringBuilder text, NewConfiguration given)
    {
        Line(text, 4, "kind", PostgresServiceSettings.KindName);
        Line(text, 4, "data-directory", given.DataDirectory, "/var/lib/postgresql/15/main");
        Line(text, 4, "connection", given.Connection);
        Line(text, 4, "password", given.PasswordReference, "file:/etc/pitr/password");
        Line(text, 4, "bin-directory", given.BinDirectory, "/usr/lib/postgresql/15/bin");
        Line(text, 4, "archive-program", given.ArchiveProgram, "/usr/bin/pitr-archive");
        text.Append($"    repositories: [{given.RepositoryName}]\n");
        text.Append("    # What a drill is held against: the most work that may be lost, the longest a recovery may take.\n    objectives:\n");
        Line(text, 6, "rpo", ConfigurationUnits.Format(given.Objectives.Rpo));
        Line(text, 6, "rto", ConfigurationUnits.Format(given.Objectives.Rto));
        text.Append("    # Every moment of the window stays recoverable; beyond it the newest backup of each so many days, weeks, …\n    retention:\n");
        Line(text, 6, "window", ConfigurationUnits.Format(given.Retention.Window));
        text.Append($"      daily: {given.Retention.Daily}\n");
        text.Append($"      weekly: {given.Retention.Weekly}\n");
        text.Append($"      monthly: {given.Retention.Monthly}\n");
        text.Append($"      yearly: {given.Retention.Yearly}\n");
        text.Append($"      minimum: {given.Retention.Minimum}\n");
    }

    static void Line(StringBuilder text, int indent, string key, string? value, string? example = null)
    {
        text.Append(' ', indent);
        if (value is null)
        {
            text.Append("# ");
        }
        text.Append(key).Append(": ").Append(YamlScalarText.Quote(value ?? example!)).Append('\n');
    }
}
