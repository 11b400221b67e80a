namespace Pitr.Operations.Backup;

/// <summary>Which pages of one file of a relation WAL has changed.</summary>
/// <param name="blocks">Of the whole relation.</param>
/// <param name="first">The block that the file begins with.</param>
readonly struct ChangedPages(ChangedBlocks blocks, long first)
{
    /// <summary>Every page from here on has changed, also those that the file does not have.</summary>
    public long Limit => blocks.Limit - first;

    /// <summary>Whether a page has changed.</summary>
    /// <param name="page">Its number in the file.</param>
    public bool Contains(long page) => blocks.Contains(first + page);

    /// <summary>The first changed page of a range of the file; its end if none has changed.</summary>
    public long FirstChanged(long from, long end) => blocks.FirstChanged(first + from, first + end) - first;
}
