namespace Pitr.ArchiveCommand;

/// <summary>
/// Decides whether the process at the other end of the socket may be believed. Somebody else's "archived" would let PostgreSQL delete
/// a segment that is nowhere, so only the own user and root count (unix(7), SO_PEERCRED: the user that called listen).
/// </summary>
static class PeerTrust
{
    const uint Root = 0;

    internal static bool IsTrusted(uint peerUserId, uint ownUserId) => peerUserId == ownUserId || peerUserId == Root;
}
