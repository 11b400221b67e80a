namespace Pitr.Storage.Ftp;

/// <summary>What the first connection found out about a server.</summary>
/// <param name="Root">The repository's directory as an absolute path without a trailing slash; empty for <c>/</c>.</param>
/// <param name="MachineListings">Whether it has MLSD and MLST (RFC 3659); otherwise LIST, SIZE and MDTM serve.</param>
sealed record FtpFeatures(string Root, bool MachineListings)
{
    /// <summary>The path of a key, or of a directory by its key; the root's own for the empty one.</summary>
    public string PathOf(string key) => key.Length == 0 ? (Root.Length == 0 ? "/" : Root) : $"{Root}/{key}";

    /// <summary>The command that tells about one object.</summary>
    public string Examine(string path) => MachineListings ? $"MLST {path}" : $"SIZE {path}";

    public string List => MachineListings ? "MLSD" : "LIST -a";
}
