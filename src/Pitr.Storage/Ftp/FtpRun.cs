namespace Pitr.Storage.Ftp;

/// <summary>A run of curl that ended.</summary>
/// <param name="ExitCode">0 when every transfer and every command that matters succeeded.</param>
/// <param name="Transcript">What was said.</param>
/// <param name="Listings">The directories that were listed whole, in the order asked for; fewer when one failed.</param>
/// <param name="Stalled">Whether it was ended for making no progress.</param>
sealed record FtpRun(int ExitCode, FtpTranscript Transcript, IReadOnlyList<IReadOnlyList<FtpEntry>> Listings, bool Stalled)
{
    public bool Succeeded => ExitCode == 0;
}
