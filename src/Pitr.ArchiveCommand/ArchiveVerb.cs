namespace Pitr.ArchiveCommand;

/// <summary>What PostgreSQL wants: a file taken to the archive, or brought back from it.</summary>
enum ArchiveVerb
{
    /// <summary>The command line names no verb, or an unknown one.</summary>
    None,

    /// <summary><c>archive_command</c>.</summary>
    Push,

    /// <summary><c>restore_command</c>.</summary>
    Get,
}
