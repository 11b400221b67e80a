namespace Pitr.Storage.Ftp;

/// <summary>One transfer of a run of curl, or just some commands. All paths are absolute ones of the server.</summary>
sealed record CurlTransfer
{
    /// <summary>What it is about; a directory ends in <c>/</c>.</summary>
    public string Path { get; init; } = "/";

    /// <summary>
    /// Commands before the transfer, in order. One that starts with <c>*</c> may be refused; any other that is refused ends the run.
    /// </summary>
    public IReadOnlyList<string> Before { get; init; } = [];

    /// <summary>Commands after the transfer succeeded.</summary>
    public IReadOnlyList<string> After { get; init; } = [];

    /// <summary>Sends nothing but the commands.</summary>
    public bool CommandsOnly { get; init; }

    /// <summary>Changes into the directory and sends this, reading a listing.</summary>
    public string? List { get; init; }

    /// <summary>A file whose bytes to store.</summary>
    public string? Upload { get; init; }

    /// <summary>The part to read; <see langword="null"/> for whatever there is until the server ends it.</summary>
    public ByteRange? Range { get; init; }
}
