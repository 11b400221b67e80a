using System.CommandLine;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Postgres.Recovery;

namespace Pitr.Cli;

/// <summary>The option --since of whatever verifies.</summary>
static class VerifySince
{
    /// <summary>Makes it.</summary>
    public static Option<string?> Create(string description) => new("--since") { Description = description, HelpName = "TIME|LSN" };

    /// <summary>Reads it: a position or a moment, never both.</summary>
    /// <exception cref="RefusedInputException">It is neither.</exception>
    public static (Lsn? Lsn, DateTimeOffset? Time) Read(string? text)
    {
        try
        {
            return text is null ? (null, null) : Lsn.TryParse(text, out var lsn) ? (lsn, null) : (null, RecoveryTarget.ParseTime(text).Time);
        }
        catch (FormatException e)
        {
            throw new RefusedInputException($"--since: {e.Message}", "a time with its zone, '2026-11-21 03:15:00+00', or a WAL position, 16/B374D848", e);
        }
    }
}
