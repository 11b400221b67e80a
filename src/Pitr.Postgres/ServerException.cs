namespace Pitr.Postgres;

/// <summary>
/// PostgreSQL, one of its programs or one of its files did not do what was asked. The message says what happened to which thing and
/// never holds a password; <see cref="Hint"/> says what to do next.
/// </summary>
public sealed class ServerException : Exception
{
    public ServerException(string message, string? hint = null, Exception? innerException = null)
        : base(message, innerException)
    {
        Hint = hint;
    }

    /// <summary>The next step for a person, or null where none is known.</summary>
    public string? Hint { get; }

    /// <summary>The five-character SQLSTATE when the server answered with an error ("PostgreSQL Error Codes", appendix A of its manual).</summary>
    public string? SqlState { get; init; }
}
