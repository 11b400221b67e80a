namespace Pitr.Operations.Backup;

/// <summary>The bytes of one file on their way into a backup.</summary>
interface IFileContent
{
    /// <summary>How many bytes to ask for; there may be fewer by now.</summary>
    long Length { get; }

    /// <summary>Reads the next bytes, as many as fit; fewer only at the end.</summary>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation);

    /// <summary>Whether bytes can be read once more: only then can a page that is being written be told from a damaged one.</summary>
    bool CanReadAgain { get; }

    /// <summary>Reads some bytes once more.</summary>
    /// <param name="offset">Where they are in the file.</param>
    /// <param name="bytes">Filled as far as there are any.</param>
    /// <returns>How many there are.</returns>
    int ReadAgain(long offset, Span<byte> bytes);
}
