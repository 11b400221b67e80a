using System.Text;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Postgres;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Files.Journal;

/// <summary>journalctl, told what to read.</summary>
/// <param name="settings">What is read.</param>
sealed class JournalTool(JournalSettings settings)
{
    readonly string _program = ToolFinder.Find(["journalctl"], settings.BinDirectory, "systemd");

    /// <summary>Starts an export of the entries that are meant.</summary>
    /// <param name="cursor">The entry it begins with, or the next one if that is not there; null: the first of all.</param>
    /// <exception cref="ServerException">It cannot be started.</exception>
    // Not --after-cursor: before systemd 255 that leaves an entry out whenever the one it names is not there (https://github.com/systemd/systemd/issues/30288).
    public ClientProgram Export(string? cursor) => Start([.. Begin(cursor), .. Meant()]);

    /// <summary>Starts an export of all entries, whether they are meant or not.</summary>
    /// <inheritdoc cref="Export"/>
    public ClientProgram ExportAny(string cursor) => Start(Begin(cursor));

    /// <summary>Starts an export of the newest entry that is meant.</summary>
    /// <inheritdoc cref="Export"/>
    public ClientProgram ExportNewest() => Start([.. Begin(null), "--lines=1", .. Meant()]);

    /// <summary>What it calls itself and its version.</summary>
    /// <exception cref="ServerException">It cannot be run.</exception>
    public async Task<string> ReadVersionAsync(CancellationToken cancellation)
    {
        // "systemd 252 (252.39-1~deb12u2)", and the next line what it was built with.
        var (code, output, messages) = await ToolRun.RunAsync(_program, ["--version"], Environment, cancellation);
        return code == 0 ? output.Split('\n')[0].Trim() : throw Failed(code, messages);
    }

    /// <summary>What is to be said when it fails.</summary>
    public static ServerException Failed(int code, string messages)
    {
        var text = new StringBuilder($"journalctl ended with exit code {code}");
        return new ServerException(
            (messages.Length == 0 ? text : text.Append(": ").Append(messages)).ToString(),
            code > 128 ? "it was killed; nothing was stored, take the backup again" : "run it by hand to see why; journalctl --verify looks for damaged files. Nothing was stored");
    }

    static void Environment(IDictionary<string, string?> environment)
    {
        foreach (var name in environment.Keys.Where(name => name.StartsWith("SYSTEMD_", StringComparison.Ordinal)).ToList())
        {
            environment.Remove(name);
        }
    }

    // Without --quiet it writes "-- No entries --" among the entries, in some versions.
    IEnumerable<string> Begin(string? cursor)
    {
        yield return "--output=export";
        yield return "--no-pager";
        yield return "--quiet";
        if (settings.Directory is { } directory)
        {
            yield return $"--directory={directory}";
        }

        if (cursor is not null)
        {
            yield return $"--cursor={cursor}";
        }
    }

    // Each value belongs to its option, and a match to none: nothing that a value begins with makes it one.
    IEnumerable<string> Meant() =>
    [
        .. settings.Units.Select(static unit => $"--unit={unit}"),
        .. settings.Identifiers.Select(static identifier => $"--identifier={identifier}"),
        "--",
        .. settings.Matches,
    ];

    ClientProgram Start(IEnumerable<string> arguments)
    {
        var started = ClientProgram.Start(_program, arguments, Environment);
        started.Input.Close();
        return started;
    }
}
