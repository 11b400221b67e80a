using System.Text.Json;
using Pitr.Format;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Postgres;
using Pitr.Storage;

namespace Pitr.Cli;

/// <summary>The table of docs/exit-codes.md.</summary>
static class ExitCodes
{
    public const int Success = 0;
    public const int Failure = 1;
    public const int ProvenAbsent = 1;
    public const int Usage = 2;
    public const int Configuration = 3;
    public const int Repository = 4;
    public const int Damaged = 5;
    public const int Keys = 6;
    public const int Conflict = 7;
    public const int Impossible = 8;
    public const int Verdict = 9;
    public const int Server = 10;
    public const int Busy = 11;
    public const int Bug = 70;
    public const int Unknown = 126;
    public const int Interrupted = 130;

    /// <summary>The exit code of an error.</summary>
    public static int Of(Exception error) => error switch
    {
        RolledBackException { InnerException: { } cause } => Of(cause),
        ConfigurationException => Configuration,
        StorageException or RepositoryUnavailableException => Repository,
        DamagedRepositoryException or DamagedObjectException or JsonException => Damaged,
        UnsupportedFormatException => Repository,
        KeyUnavailableException or WrongIdentityException => Keys,
        ConflictException => Conflict,
        ImpossiblePlanException => Impossible,
        VerdictFailedException => Verdict,
        ServerException => Server,
        BusyException => Busy,
        RefusedInputException => Failure,
        OperationCanceledException => Interrupted,
        _ => Bug,
    };
}
