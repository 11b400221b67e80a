namespace Pitr.Operations.Agent;

/// <summary>How much of the agent its clients may take up.</summary>
/// <param name="Request">How long a client may take to send its request, and to read its answer.</param>
/// <param name="Connections">How many are served at once; further ones are told to do the work themselves.</param>
/// <param name="Grace">How long requests that are being worked on may take to end when the agent stops.</param>
/// <param name="Abandon">How long abandoned work may take to heed it; what hangs longer, in a dead file system say, is left behind.</param>
public sealed record ArchiveSocketLimits(TimeSpan Request, int Connections, TimeSpan Grace, TimeSpan Abandon)
{
    /// <summary>A request is a few hundred bytes in one piece; a server has one archiver, and a standby one process that recovers.</summary>
    public static ArchiveSocketLimits Default { get; } = new(TimeSpan.FromSeconds(10), 128, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));
}
