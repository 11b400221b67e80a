namespace Pitr.Storage.Sftp;

/// <summary>The two pipes of a session and whoever holds their other ends.</summary>
interface ISftpTransport : IAsyncDisposable
{
    /// <summary>Where requests go.</summary>
    Stream Input { get; }

    /// <summary>Where answers come from.</summary>
    Stream Output { get; }

    /// <summary>Ends it at once, so that reads and writes return. May be called at any time, also after the end.</summary>
    void Kill();

    /// <summary>What a lost session is to be blamed on: waits a moment for the other side to end and to say why.</summary>
    /// <param name="where">Where the session was connected to, for the message.</param>
    Task<SftpConnectionException> BlameAsync(string where);
}
