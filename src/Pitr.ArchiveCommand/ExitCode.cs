namespace Pitr.ArchiveCommand;

/// <summary>
/// Turns every outcome into an exit code that PostgreSQL understands rightly (PostgreSQL 15 src/backend/postmaster/pgarch.c,
/// src/backend/access/transam/xlogarchive.c, src/common/wait_error.c).
/// <c>archive_command</c>: 0 lets PostgreSQL delete the segment, 1..125 makes it ask again, above 125 also restarts the archiver.
/// <c>restore_command</c>: 1..125 means "no such file", which <em>ends</em> recovery; above 125 stops recovery with an error.
/// </summary>
static class ExitCode
{
    /// <summary>The agent asks the client to do the work itself (unknown version or verb).</summary>
    internal const int DoItYourself = 64;

    const int Failed = 1;
    const int Usage = 2;
    const int Unknown = 126;
    const int HighestRetried = 125;

    /// <summary>Maps a code of the agent, 0..255 without 64, to the one given to PostgreSQL.</summary>
    internal static int FromAgent(ArchiveVerb verb, bool standby, int code) => verb switch
    {
        ArchiveVerb.Push => code <= HighestRetried ? code : Failed,
        // 1 is the only failure that proves anything; 2 or 70 taken as "absent" would end recovery too early, in silence.
        _ => code is 0 or Failed ? code : ForUnknown(verb, standby),
    };

    /// <summary>
    /// The outcome is not known: no answer in time, no program to do the work. A push is not acknowledged; a get is not "absent",
    /// except for a standby, which asks again for ever and must not be stopped by it.
    /// </summary>
    internal static int ForUnknown(ArchiveVerb verb, bool standby) =>
        verb == ArchiveVerb.Push || (verb == ArchiveVerb.Get && standby) ? Failed : Unknown;

    /// <summary>
    /// A wrong command line. Anything but a clear push gets 126: a misspelt <c>restore_command</c> must not look like the end of
    /// the archive, while a misspelt <c>archive_command</c> is retried all the same.
    /// </summary>
    internal static int ForUsage(ArchiveVerb verb) => verb == ArchiveVerb.Push ? Usage : Unknown;
}
